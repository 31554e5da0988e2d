"""The pipeline board as it is shown: columns, cards, sums. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from api.web import words
from api.web.story import Names
from domain.pipelines import Stage
from projections.opportunities import OpportunityRow
from projections.pipelines import PipelineRow
from projections.sums import Sum, Tally, tally
from projections.tasks import TaskRow

CARDS_MAX = 50
"""How many cards a column shows; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be done next for an opportunity: a signal and its words."""

    signal: str
    words: str
    icon: str


@dataclass(frozen=True, slots=True)
class Card:
    """An opportunity on the board."""

    id: UUID
    version: int
    name: str
    href: str
    stage: str
    account: str
    owner: str
    amount: Decimal | None
    currency: str | None
    since: datetime
    age: str
    next: Next


@dataclass(frozen=True, slots=True)
class Column:
    """A stage with its cards."""

    stage: str
    meant: str
    """What stands in place of cards where there are none."""
    cards: tuple[Card, ...]
    tally: Tally

    @property
    def count(self) -> int:
        return self.tally.count

    @property
    def sums(self) -> tuple[Sum, ...]:
        return self.tally.sums

    @property
    def more(self) -> int:
        return self.tally.count - len(self.cards)


@dataclass(frozen=True, slots=True)
class Board:
    """A pipeline at a moment."""

    id: UUID
    name: str
    columns: tuple[Column, ...]
    position: int

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(column.stage for column in self.columns)

    @property
    def count(self) -> int:
        return sum(column.count for column in self.columns)


def tallies(rows: Iterable[OpportunityRow]) -> dict[str, Tally]:
    """What open opportunities come to, by stage."""
    by_stage: dict[str, list[OpportunityRow]] = {}
    for row in rows:
        by_stage.setdefault(row.stage, []).append(row)
    return {stage: tally(held) for stage, held in by_stage.items()}


def open_stages(pipeline: PipelineRow) -> tuple[Stage, ...]:
    return tuple(stage for stage in pipeline.stages if stage.kind == "open")


def next_task(tasks: Iterable[TaskRow], now: datetime) -> Next:
    """The first of the open tasks, said in a word."""
    first = min(tasks, key=lambda task: task.due, default=None)
    if first is None:
        return Next("warn", "nothing planned", "calendar")
    if first.due < now:
        return Next("bad", f"{first.kind or 'task'} overdue", "alert-circle")
    if first.due.date() == now.date():
        return Next("info", f"{first.kind or 'task'} today", "checklist")
    return Next("idle", f"{first.kind or 'task'} {words.in_short(first.due, now)}", "checklist")


def card(
    row: OpportunityRow, names: Names, tasks: Mapping[UUID, list[TaskRow]], now: datetime
) -> Card:
    """The card of an opportunity as of ``now``."""
    customer = row.account or next(iter(row.contacts), None)
    noun = "accounts" if row.account else "contacts"
    return Card(
        id=row.id,
        version=row.version,
        name=row.name,
        href=f"/{noun}/{customer}" if customer else f"#o-{row.id}",
        stage=row.stage,
        account=_label(names, customer),
        owner=_label(names, row.owner),
        amount=row.amount,
        currency=row.currency,
        since=row.stage_since,
        age=words.length(now - row.stage_since),
        next=next_task(tasks.get(row.id, ()), now),
    )


def _label(names: Names, record: UUID | None) -> str:
    named = names.get(record) if record else None
    return named.label if named else ""

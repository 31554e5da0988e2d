"""A small view over several streams, events for it, and a look into the tables of views."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import sql

from domain.kernel import Event, Recorded, new_id
from domain.opportunities import (
    OpportunityOpened,
    OpportunityRenamed,
    OpportunityRevalued,
    OpportunityStageChanged,
)
from event_store.store import Entry, Envelope, EventStore, Write
from projections.columns import columns_of
from projections.kit import Key, View

PIPELINE = UUID(int=1)


class LaneRow(msgspec.Struct, frozen=True, kw_only=True):
    stage: str
    opportunities: int
    arrivals: tuple[UUID, ...]
    """Everyone who ever came, in order: a lost or doubled event shows."""
    since: datetime
    share: float | None = None
    worth: Decimal | None = None
    tags: dict[str, tuple[int, ...]] = {}


class Board(View[LaneRow]):
    """One row a stage, with those who are in it; an empty one is gone."""

    name = "board"
    version = 1
    row = LaneRow
    key = ("stage",)
    reads = (OpportunityOpened, OpportunityStageChanged)
    indexes = ("opportunities DESC", "USING gin (arrivals)")

    def keys(self, it: Recorded[Any]) -> Iterable[Key]:
        if isinstance(it.event, OpportunityOpened):
            return ((it.event.stage,),)
        return ((it.event.from_stage,), (it.event.to_stage,))

    def evolve(self, row: LaneRow | None, it: Recorded[Any], key: Key) -> LaneRow | None:
        fact = it.event
        comes = fact.stage if isinstance(fact, OpportunityOpened) else fact.to_stage
        if comes == key[0]:
            return _arrived(row, it, comes)
        if row is None or row.opportunities == 1:
            return None
        return replace(row, opportunities=row.opportunities - 1)


def _arrived(row: LaneRow | None, it: Recorded[Any], stage: str) -> LaneRow:
    before = row or LaneRow(stage=stage, opportunities=0, arrivals=(), since=it.occurred_at)
    count = before.opportunities + 1
    return replace(
        before,
        opportunities=count,
        arrivals=(*before.arrivals, it.stream),
        share=1 / count,
        worth=Decimal(count) / 4,
        tags={"versions": (it.version,)},
    )


class NameRow(msgspec.Struct, frozen=True):
    id: UUID
    name: str


class Titles(View[NameRow]):
    """One row an opportunity."""

    name = "titles"
    version = 1
    row = NameRow
    reads = (OpportunityOpened, OpportunityRenamed)

    def evolve(self, row: NameRow | None, it: Recorded[Any], key: Key) -> NameRow | None:
        return NameRow(it.stream, it.event.name)


class LongTitleRow(msgspec.Struct, frozen=True):
    id: UUID
    title: str
    letters: int


class LongTitles(View[LongTitleRow]):
    """The next version of ``Titles``, with other columns."""

    name = "titles"
    version = 2
    row = LongTitleRow
    reads = Titles.reads

    def evolve(self, row: LongTitleRow | None, it: Recorded[Any], key: Key) -> LongTitleRow | None:
        return LongTitleRow(it.stream, it.event.name, len(it.event.name))


class Touchy(Titles):
    """A view that cannot stand one name, and cannot store another."""

    name = "touchy"
    mended = False

    def evolve(self, row: NameRow | None, it: Recorded[Any], key: Key) -> NameRow | None:
        if it.event.name == "poison" and not self.mended:
            raise ZeroDivisionError("cannot stand it")
        if it.event.name == "unfit" and not self.mended:
            return NameRow("nobody", "")  # type: ignore[arg-type]  # what no uuid column takes
        return NameRow(it.stream, it.event.name)


def opened(stage: str = "New", name: str = "Acme", **fields: Any) -> OpportunityOpened:
    return OpportunityOpened(name=name, pipeline=PIPELINE, stage=stage, **fields)


def moved(from_stage: str, to_stage: str) -> OpportunityStageChanged:
    return OpportunityStageChanged(from_stage=from_stage, to_stage=to_stage)


def renamed(name: str) -> OpportunityRenamed:
    return OpportunityRenamed(name=name)


def valued(amount: str) -> OpportunityRevalued:
    return OpportunityRevalued(amount=Decimal(amount), currency="EUR")


def tell(
    store: EventStore,
    stream: UUID,
    *facts: Event,
    at: datetime | None = None,
    subjects: tuple[UUID, ...] = (),
    **said: Any,
) -> int:
    """Appends events to a stream; ``at`` is when they were true. Returns the position."""
    write = Write(stream, len(store.read(stream)), facts, subjects)
    envelope = Envelope("ada", new_id(), new_id(), at, **said)
    return store.append(Entry(envelope, (write,))).position


def tell_many(store: EventStore, count: int, stage: str = "New") -> list[UUID]:
    """Opens opportunities in one go."""
    streams = [new_id() for _ in range(count)]
    store.append_all(
        [
            Entry(Envelope("ada", new_id(), new_id()), (Write(s, 0, (opened(stage),)),))
            for s in streams
        ]
    )
    return streams


def stored(dsn: str, view: View[Any]) -> dict[Key, Any]:
    """The rows that readers of a view are shown."""
    columns = columns_of(view.row)
    query = sql.SQL("SELECT {} FROM {}").format(
        columns.selected, sql.Identifier("views", view.name)
    )
    with psycopg.connect(dsn) as conn:
        rows = [columns.row(values) for values in conn.execute(query)]
    found = {tuple(getattr(row, name) for name in view.key): row for row in rows}
    assert len(found) == len(rows)
    return found


def folded(store: EventStore, view: View[Any]) -> dict[Key, Any]:
    """The rows as a fold over the whole log makes them, written as plainly as can be."""
    rows: dict[Key, Any] = {}
    after = 0
    while page := store.page(after):
        after = page[-1].position
        for it in page:
            for key in set(view.keys(it)) if isinstance(it.event, view.reads) else ():
                rows[key] = view.evolve(rows.get(key), it, key)
    return {key: row for key, row in rows.items() if row is not None}


def tables(dsn: str) -> set[str]:
    """The tables that there are for rows of views."""
    with psycopg.connect(dsn) as conn:
        found = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'views'")
        return {name for (name,) in found} - {"registry", "whole"}


def forget_views(dsn: str) -> None:
    """Leaves a database as if no view had ever been made in it."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("DROP SCHEMA views CASCADE")
        conn.execute("CREATE SCHEMA views AUTHORIZATION crm_app")

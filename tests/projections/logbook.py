"""A log that is told fact by fact, each with its day, and questions to it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from domain.accounts import AccountOpened
from domain.contacts import ContactAdded
from domain.kernel import AGGREGATES, NOW, Cut, Event, fold, new_id, some
from domain.members import MemberAdded
from domain.opportunities import OpportunityOpened
from domain.orders import OrderLine, OrderPlaced
from domain.pipelines import PipelineDefined, Stage
from event_store.store import Entry, Envelope, EventStore, Write
from projections.analytics.analyst import Analyst
from projections.analytics.results import Result

STAGES = (
    Stage("New", probability=0.1),
    Stage("Proposal", probability=0.5),
    Stage("Closing", probability=0.9),
    Stage("Won", kind="won"),
    Stage("Lost", kind="lost"),
)
PIPELINE = UUID(int=77)


def moment(text: str) -> datetime:
    """``2024-03-01`` or ``2024-03-01 12:30``, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cut(at: str | None = None) -> Cut:
    return Cut(at=moment(at)) if at else NOW


def named(name: str) -> UUID:
    """The id of a record that a test calls by a name."""
    return uuid5(PIPELINE, name)


class Logbook:
    def __init__(self, store: EventStore, analyst: Analyst) -> None:
        self.store, self.analyst = store, analyst
        self._facts: defaultdict[UUID, list[Event]] = defaultdict(list)

    def tell(self, stream: UUID | str, *facts: Event, at: str) -> UUID:
        """Appends facts to a stream, all of one moment."""
        stream = stream if isinstance(stream, UUID) else named(stream)
        past = self._facts[stream]
        kind = AGGREGATES[facts[0].__event__.noun]
        past += facts
        itself = stream if kind.is_subject else None
        subjects = some(itself, *kind.subjects(fold(kind.evolve, kind.blank, past)))
        envelope = Envelope("past", new_id(), new_id(), moment(at))
        write = Write(stream, len(past) - len(facts), facts, subjects)
        self.store.append(Entry(envelope, (write,)))
        return stream

    def contact(self, name: str, at: str = "2024-01-01") -> UUID:
        return self.tell(name, ContactAdded(external_id=name), at=at)

    def account(self, name: str, at: str = "2024-01-01") -> UUID:
        return self.tell(name, AccountOpened(name=name), at=at)

    def order(
        self,
        name: str,
        customer: UUID | None,
        at: str,
        amount: str = "10",
        *,
        currency: str = "USD",
        quantity: int = 1,
    ) -> UUID:
        line = OrderLine(quantity=Decimal(quantity), amount=Decimal(amount))
        fact = OrderPlaced(currency=currency, lines=(line,), contact=customer)
        return self.tell(name, fact, at=at)

    def pipeline(self, at: str = "2023-01-01") -> UUID:
        return self.tell(PIPELINE, PipelineDefined(name="Sales", stages=STAGES), at=at)

    def member(self, name: str, at: str = "2023-01-01", **details: Any) -> UUID:
        return self.tell(name, MemberAdded(name=name, **details), at=at)

    def opportunity(self, name: str, at: str, stage: str = "New", **details: Any) -> UUID:
        fact = OpportunityOpened(name=name, pipeline=PIPELINE, stage=stage, **details)
        return self.tell(name, fact, at=at)

    def metric(self, name: str, at: str | None = None, **settings: Any) -> Result:
        return self.analyst.metric(name, cut(at), settings)

    def rows(self, name: str, at: str | None = None, **settings: Any) -> list[dict[str, Any]]:
        return self.metric(name, at, **settings).dicts()

    def row(self, name: str, at: str | None = None, **settings: Any) -> dict[str, Any]:
        (row,) = self.rows(name, at, **settings)
        return row

"""given(...).when(...).then(...), over a real in-memory store.

Plain events belong to the record ``STREAM``; ``on(other, ...)`` says those of another one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import commands  # noqa: F401  # fills the registry
import projections  # noqa: F401  # fills the register
from commands.bus import Bus
from commands.desk import Actor, Ask
from commands.registry import REFERENCES, Command
from domain.accounts import AccountOpened
from domain.cases import CaseOpened
from domain.contacts import ContactAdded
from domain.kernel import AGGREGATES, Event, Recorded, Refused, fold, new_id, some
from domain.leads import LeadCaptured
from domain.members import MemberAdded
from domain.opportunities import OpportunityOpened
from domain.orders import OrderPlaced
from domain.pipelines import PipelineDefined, Stage
from domain.products import ProductAdded
from event_store.memory import MemoryEventStore
from event_store.store import Conflict, Entry, Envelope, Write
from projections.kit import VIEWS, Key

STREAM = UUID(int=1)
START = datetime(2024, 1, 1, 9, tzinfo=UTC)
"""When the first fact of a told past happened; each further one a day later."""


UNKNOWN = UUID(int=404)
"""The id of a record that never is there."""
BARE: dict[str, Event] = {
    "account": AccountOpened(name="An account"),
    "case": CaseOpened(subject="A case", contact=new_id()),
    "contact": ContactAdded(last_name="Somebody"),
    "lead": LeadCaptured(last_name="Somebody"),
    "member": MemberAdded(name="A member"),
    "opportunity": OpportunityOpened(name="An opportunity", pipeline=new_id(), stage="New"),
    "order": OrderPlaced(contact=new_id(), currency="EUR", lines=()),
    "pipeline": PipelineDefined(name="A pipeline", stages=(Stage("New"),)),
    "product": ProductAdded(name="A product"),
}
"""The least that makes a record of each kind that commands name."""


@dataclass(frozen=True)
class On:
    """Events of a record."""

    stream: UUID
    events: tuple[Event, ...]


def on(stream: UUID, *events: Event) -> On:
    """Events of a record other than ``STREAM``."""
    return On(stream, events)


def recorded(*past: Event | On) -> list[Recorded[Any]]:
    """The facts as a log would hold them."""
    versions: defaultdict[UUID, int] = defaultdict(int)
    told: list[Recorded[Any]] = []
    for stream, fact in _flat(past):
        versions[stream] += 1
        at = START + timedelta(days=len(told))
        told.append(
            Recorded(
                event=fact,
                position=len(told) + 1,
                stream=stream,
                version=versions[stream],
                recorded_at=at,
                occurred_at=at,
                actor="past",
                command_id=UUID(int=len(told) + 1),
                correlation_id=UUID(int=len(told) + 1),
            )
        )
    return told


def rows(view_name: str, *past: Event | On) -> dict[Key, Any]:
    """The rows that a view makes of facts, by key."""
    view, found = VIEWS[view_name], dict[Key, Any]()
    for it in recorded(*past):
        if it.name in view.names:
            for key in view.keys(it):
                found[key] = view.evolve(found.get(key), it, key)
    return {key: row for key, row in found.items() if row is not None}


def row(view_name: str, *past: Event | On) -> Any:
    """The row of ``STREAM``, or None."""
    return rows(view_name, *past).get((STREAM,))


class Story:
    """A past, a command, and what comes of it."""

    def __init__(self, *past: Event | On) -> None:
        self.store = MemoryEventStore()
        self.bus = Bus(self.store)
        for stream, facts in _by_stream(past).items():
            envelope = Envelope("past", new_id(), new_id(), START)
            self.store.append(Entry(envelope, (_write(stream, 0, facts),)))
        self.before = self.store.head()

    def after(self, *asked: Command) -> Story:
        """Lets commands be part of the past."""
        for command in asked:
            self._let_be_there(command)
            self.bus.dispatch(Ask(command, Actor("past")))
        self.before = self.store.head()
        return self

    def when(self, command: Command, *, seen: int | None = None) -> Story:
        """``seen`` is the version that the sender saw, where they say so."""
        self._let_be_there(command)
        self.ask = Ask(command, Actor("ada"), expected=seen)
        return self

    def then(self, *expected: Event | On) -> Story:
        """Exactly this happened."""
        self.bus.dispatch(self.ask)
        assert self._new() == _by_stream(expected)
        return self

    def refused(self, because: type[Refused], **facts: object) -> Story:
        """The rules said no, for this reason and with these facts; nothing happened."""
        with pytest.raises(because) as no:
            self.bus.dispatch(self.ask)
        assert facts.items() <= no.value.facts.items()
        assert self._new() == {}
        return self

    def conflicts(self) -> Story:
        """Somebody else was faster; nothing happened."""
        with pytest.raises(Conflict):
            self.bus.dispatch(self.ask)
        assert self._new() == {}
        return self

    def concerning(self, *subjects: UUID, stream: UUID = STREAM) -> Story:
        """The last event of the record concerns exactly these."""
        assert set(self.store.read(stream)[-1].subjects) == set(subjects)
        return self

    def _let_be_there(self, command: Command) -> None:
        """The other records that a command names need no telling: they are there. Told are
        those that it changes, pipelines, and what a conversion makes or finds."""
        room = command.__module__.removeprefix("commands.")
        told = {name for name in REFERENCES if room.startswith(name[:-1])}
        told |= {"pipeline", *command.__makes__}
        own = {getattr(command, name, None) for name in told}
        for name, noun in REFERENCES.items():
            named = getattr(command, name, None)
            if name not in told and isinstance(named, UUID) and named not in own:
                self._open(noun, named)
        self.before = self.store.head()

    def _open(self, noun: str, stream: UUID) -> None:
        if stream != UNKNOWN and not self.store.read(stream):
            envelope = Envelope("past", new_id(), new_id(), START)
            self.store.append(Entry(envelope, (_write(stream, 0, [BARE[noun]]),)))

    def holder(self, kind: str, value: str) -> UUID | None:
        """Who holds a unique value."""
        return self.store.owners([(kind, value)]).get((kind, value))

    def _new(self) -> dict[UUID, list[Event]]:
        return _by_stream(on(it.stream, it.event) for it in self.store.page(self.before))


def given(*past: Event | On) -> Story:
    """A past to start from."""
    return Story(*past)


def _flat(past: Any) -> list[tuple[UUID, Event]]:
    parts = (part if isinstance(part, On) else On(STREAM, (part,)) for part in past)
    return [(part.stream, fact) for part in parts for fact in part.events]


def _by_stream(past: Any) -> dict[UUID, list[Event]]:
    found: defaultdict[UUID, list[Event]] = defaultdict(list)
    for stream, fact in _flat(past):
        found[stream].append(fact)
    return dict(found)


def _write(stream: UUID, expected: int, facts: list[Event]) -> Write:
    kind = AGGREGATES[facts[0].__event__.noun]
    state = fold(kind.evolve, kind.blank, facts)
    itself = stream if kind.is_subject else None
    return Write(stream, expected, tuple(facts), some(itself, *kind.subjects(state)))

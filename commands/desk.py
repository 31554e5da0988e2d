"""Where a command is decided: the states that it needs, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from commands.registry import COMMANDS, REFERENCES, Command, reference_fields
from domain.kernel import AGGREGATES, Aggregate, Event, Recorded, Refused, fold, new_id, some
from event_store.codec import encode_apart
from event_store.keys import PersonErased
from event_store.store import (
    Appended,
    Claim,
    Conflict,
    Entry,
    Envelope,
    Erasure,
    EventStore,
    Write,
)

STATES_MAX = 100_000
"""How many folded streams a long job keeps at hand."""

S = TypeVar("S")


class NoSuchRecord(Refused):
    """There is no such {noun}."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks."""

    id: str
    on_behalf_of: str | None = None


class Ask(msgspec.Struct, frozen=True):
    """A command with who sends it, through which door, and as part of what."""

    command: Command
    actor: Actor
    command_id: UUID = msgspec.field(default_factory=new_id)
    remember: bool = False
    """Whether the same command id, sent again, shall be answered with the first outcome."""
    expected: int | None = None
    """The version of the record that the sender saw; another one is a conflict."""
    source: str | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    batch_id: UUID | None = None

    def envelope(self) -> Envelope:
        return Envelope(
            actor=self.actor.id,
            on_behalf_of=self.actor.on_behalf_of,
            command_id=self.command_id,
            correlation_id=self.correlation_id or self.command_id,
            causation_id=self.causation_id,
            batch_id=self.batch_id,
            occurred_at=self.command.occurred_at,
            reason=self.command.reason,
            source=self.source,
        )


class Outcome(msgspec.Struct, frozen=True):
    """What a command did. ``events`` is empty where there was nothing to do."""

    position: int
    stream: UUID | None
    version: int
    events: tuple[str, ...]
    repeated: bool = False


class States:
    """Folded streams, kept for as long as a batch or a job runs. Appends compare versions, so
    a state that has become old is found out, never acted on."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        # By the UUID's number: its own hash is computed anew, in Python, at each look-up.
        self._states: dict[int, tuple[Aggregate[Any], Any, int]] = {}
        self._histories: dict[int, list[Recorded[Any]]] = {}
        self._owners: dict[tuple[str, str], UUID | None] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] | None = None
        self.erased: set[UUID] = set()
        """Persons whom the log refused to hear of."""

    @property
    def size(self) -> int:
        """How many streams are kept."""
        return len(self._states)

    def prefetch(self, commands: Collection[Command]) -> None:
        """Reads at once what the commands name."""
        if self.size > STATES_MAX:
            self.forget()
        self.read_streams({stream for c in commands for stream in c.references()})
        self.read_owners({claim for c in commands for claim in c.claimed()})

    def read_streams(self, streams: Collection[UUID]) -> None:
        """Reads streams at once that will be asked for."""
        states, histories = self._states, self._histories
        unknown = {s.int: s for s in streams if s.int not in states and s.int not in histories}
        if unknown:
            found = self._store.read_many(unknown.values())
            self._histories |= {key: [] for key in unknown}
            self._histories |= {stream.int: past for stream, past in found.items()}

    def read_owners(self, claims: Collection[tuple[str, str]]) -> None:
        """Reads the holders of unique values at once that will be asked for."""
        unknown = {claim for claim in claims if claim not in self._owners}
        if unknown:
            owners = self._store.owners(unknown)
            self._owners |= {claim: owners.get(claim) for claim in unknown}

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Several commands as one: if one of them is refused, what the ones before it decided
        is taken back. Their entries are the caller's to drop."""
        self._undo = []
        try:
            yield
        except BaseException:
            for kept, key, before in reversed(self._undo):
                if before is None:
                    del kept[key]
                else:
                    kept[key] = before
            raise
        finally:
            self._undo = None

    def get(self, aggregate: Aggregate[S], stream: UUID) -> tuple[S, int]:
        """A stream's state and version."""
        known = self._states.get(stream.int)
        if known is None:
            known = self._states[stream.int] = self._folded(aggregate, stream)
        kind, state, version = known
        # An id of another kind of record is, seen from here, a record that is not there.
        return (state if kind is aggregate else aggregate.blank), version

    def _folded(self, expected: Aggregate[Any], stream: UUID) -> tuple[Aggregate[Any], Any, int]:
        past = self._histories.pop(stream.int, None)
        if past is None:
            past = self._store.read(stream)
        kind = AGGREGATES[past[0].event.__event__.noun] if past else expected
        return kind, fold(kind.evolve, kind.blank, (it.event for it in past)), len(past)

    def put(self, kind: Aggregate[S], stream: UUID, state: S, version: int) -> None:
        self._keep(self._states, stream.int, (kind, state, version))

    def owner(self, kind: str, value: str) -> UUID | None:
        """Who holds a claimed value, counting what the batch has decided so far."""
        claim = (kind, value)
        if claim not in self._owners:
            self._owners[claim] = self._store.owners([claim]).get(claim)
        return self._owners[claim]

    def claim(self, kind: str, value: str, owner: UUID | None) -> None:
        self._keep(self._owners, (kind, value), owner)

    def concerning(self, subject: UUID) -> list[Recorded[Any]]:
        """All that the log holds of a contact, account or lead."""
        return self._store.by_subject(subject)

    def keys(self, persons: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        """What tells each person's keys from others."""
        return self._store.key_fingerprints(persons)

    def _keep(self, kept: dict[Any, Any], key: Any, value: Any) -> None:
        if self._undo is not None:
            self._undo.append((kept, key, kept.get(key)))
        kept[key] = value

    def forget(self) -> None:
        """Everything is read anew from here on."""
        self._states.clear()
        self._histories.clear()
        self._owners.clear()


@dataclass(slots=True)
class _Changed:
    """A record that the command at hand changes."""

    aggregate: Aggregate[Any]
    before: Any
    state: Any
    base: int
    events: list[Event] = field(default_factory=list)

    def subjects(self, stream: UUID) -> tuple[UUID, ...]:
        """Whom the change concerns: those before it as well as those after it."""
        itself = stream if self.aggregate.is_subject else None
        of = self.aggregate.subjects
        return some(itself, *of(self.before), *of(self.state))

    def person(self, stream: UUID) -> UUID:
        """Whose key seals what is personal in it."""
        return self.aggregate.person(self.state) or stream


class AnotherKind(Refused):
    """This id belongs to a record of another kind."""


class Desk:
    """What a handler works with while one command is decided. Nothing it does is seen by
    others before the handler has ended well."""

    def __init__(self, ask: Ask, states: States) -> None:
        self.ask = ask
        self.now = ask.command.occurred_at or datetime.now(UTC)
        """When the command's facts are true."""
        self._states = states
        self._mine: dict[UUID, _Changed] = {}
        self._claims: dict[tuple[str, str], Claim] = {}
        self._releases: dict[tuple[str, str], Claim] = {}
        self._erasures: list[Erasure] = []
        self._readmits: list[UUID] = []

    def state(self, aggregate: Aggregate[S], stream: UUID) -> S:
        """A record's state, with what this command has decided so far."""
        mine = self._mine.get(stream)
        if mine is not None and mine.aggregate is aggregate:
            return mine.state  # type: ignore[no-any-return]  # one dict, many kinds
        return self._states.get(aggregate, stream)[0]

    def change(
        self, aggregate: Aggregate[S], stream: UUID, decide: Callable[[S], Sequence[Event]]
    ) -> S:
        """Decides on a record and stages the events. The first record changed is the one that
        the sender's expected version speaks of. Returns the record's new state."""
        mine = self._mine.get(stream)
        if mine is None:
            state, base = self._states.get(aggregate, stream)
            if base and state is aggregate.blank:
                raise AnotherKind
            self._check_expected(stream, base)
            mine = self._mine[stream] = _Changed(aggregate, state, state, base)
        events = decide(mine.state)
        mine.state = fold(aggregate.evolve, mine.state, events)
        mine.events.extend(events)
        return mine.state  # type: ignore[no-any-return]  # one dict, many kinds

    def _check_expected(self, stream: UUID, base: int) -> None:
        expected = self.ask.expected
        if not self._mine and expected is not None and expected != base:
            raise Conflict(stream, expected, base)

    def owner(self, kind: str, value: str) -> UUID | None:
        """The record that holds a unique value, if any."""
        return self._states.owner(kind, value)

    def claim(self, kind: str, value: str, owner: UUID) -> None:
        """Makes the record the holder of a unique value."""
        self._claims[kind, value] = Claim(kind, value, owner)

    def release(self, kind: str, value: str, owner: UUID) -> None:
        """Gives a unique value back."""
        self._releases[kind, value] = Claim(kind, value, owner)

    def concerning(self, subject: UUID) -> list[Recorded[Any]]:
        """All that the log holds of a contact, account or lead, oldest first."""
        return self._states.concerning(subject)

    def keys(self, persons: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        """What tells each person's keys from others."""
        return self._states.keys(persons)

    def erase(self, erasures: Collection[Erasure]) -> None:
        """Lets persons be forgotten with what is decided here."""
        self._erasures.extend(erasures)

    def readmit(self, person: UUID) -> None:
        """Lets an erased person have a new key."""
        self._readmits.append(person)

    def check_persons(self) -> None:
        """Nothing personal is said of those whom the log was found to have forgotten.

        Raises:
            PersonErased: something is.
        """
        erased = self._states.erased
        said = {
            person
            for stream, mine in self._mine.items()
            if (person := mine.person(stream)) in erased
            and any(encode_apart(fact)[1] is not None for fact in mine.events)
        }
        if said:
            raise PersonErased(said)

    def check_references(self) -> None:
        """The records that the sender names, other than those it changes, are there.

        Raises:
            NoSuchRecord: one is not.
        """
        command = self.ask.command
        for name in reference_fields(type(command)) & command.model_fields_set:
            named = getattr(command, name)
            if isinstance(named, UUID) and named not in self._mine:
                kind = AGGREGATES[REFERENCES[name]]
                if self._states.get(kind, named)[0] is kind.blank:
                    raise NoSuchRecord(field=name, noun=kind.noun)

    def decided(self) -> Decided:
        """All that was staged, as one entry of the log."""
        writes = tuple(
            Write(stream, mine.base, tuple(mine.events), mine.subjects(stream), mine.person(stream))
            for stream, mine in self._mine.items()
        )
        entry = Entry(
            self.ask.envelope(),
            writes,
            tuple(self._claims.values()),
            tuple(self._releases.values()),
            self.ask.command.fingerprint() if self.ask.remember else None,
            tuple(self._erasures),
            tuple(self._readmits),
        )
        return Decided(self.ask, entry)

    def keep(self) -> None:
        """Lets later commands of the batch build on this one."""
        for stream, mine in self._mine.items():
            version = mine.base + len(mine.events)
            self._states.put(mine.aggregate, stream, mine.state, version)
        for claim in self._releases.values():
            self._states.claim(claim.kind, claim.value, None)
        for claim in self._claims.values():
            self._states.claim(claim.kind, claim.value, claim.owner)


class Decided(msgspec.Struct, frozen=True):
    """What a command would do."""

    ask: Ask
    entry: Entry

    @property
    def is_new(self) -> bool:
        """Whether there is anything to store."""
        entry = self.entry
        return bool(
            any(w.events for w in entry.writes)
            or entry.claims
            or entry.releases
            or entry.fingerprint
            or entry.erases
            or entry.readmits
        )

    def outcome(self, done: Appended | None, head: int = 0) -> Outcome:
        """The answer to the sender, with or without an append."""
        first = self.entry.writes[0] if self.entry.writes else None
        return Outcome(
            position=done.position if done else head,
            stream=first.stream if first else None,
            version=first.expected + len(first.events) if first else 0,
            events=tuple(e.__event__.name for w in self.entry.writes for e in w.events),
        )


def decide(ask: Ask, states: States) -> Decided:
    """Carries a command out in mind only.

    Raises:
        Refused: the rules of the business say no.
        Conflict: the record is not at the version that the sender saw.
    """
    desk = Desk(ask, states)
    COMMANDS[ask.command.__command__].handler(ask.command, desk)
    desk.check_references()
    desk.check_persons()
    decided = desk.decided()
    desk.keep()
    return decided

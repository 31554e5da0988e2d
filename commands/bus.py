"""From a command to its handler. Every way in goes through here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from domain.kernel import AGGREGATES, Aggregate, Event, Recorded, Refused, fold, new_id, some
from event_store.store import (
    Appended,
    Checkpoint,
    Claim,
    ClaimTaken,
    Conflict,
    Entry,
    Envelope,
    EventStore,
    Write,
)

TRIES_MAX = 5
"""How often a command is decided anew when others write to its streams meanwhile."""
CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be."""
STATES_MAX = 100_000
"""How many folded streams a long job keeps at hand."""


class Command(BaseModel):
    """Something that one may ask for. The docstring of a subclass says what it does."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    __command__: ClassVar[str] = ""
    """The name that it is sent under: ``open-opportunity``."""

    occurred_at: AwareDatetime | None = Field(
        default=None,
        description="When it was true, if not now: history that is entered afterwards.",
    )
    reason: str | None = Field(
        default=None, max_length=500, description="Why, for those who read it later."
    )

    def __init_subclass__(cls, *, name: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.__command__ = name

    @field_validator("occurred_at")
    @classmethod
    def _has_happened(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment > datetime.now(UTC) + CLOCK_SKEW_MAX:
            raise ValueError("lies in the future; a fact has happened")
        return moment

    def claimed(self) -> Collection[tuple[str, str]]:
        """Unique values that it will ask for, as ``(kind, value)``, so that a batch can look
        them up at once."""
        return ()

    def references(self) -> set[UUID]:
        """The records that it names, so that a batch can read them at once."""
        return {value for value in self.__dict__.values() if isinstance(value, UUID)}

    def fingerprint(self) -> bytes:
        """A digest of what is asked: the same key with another digest is a mistake."""
        said = self.model_dump_json(exclude_unset=True)  # an id made up here is not part of it
        return hashlib.sha256(f"{self.__command__} {said}".encode()).digest()


C = TypeVar("C", bound=Command)
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class CommandType:
    """A command that can be sent: what it is asked with and who carries it out."""

    name: str
    model: type[Command]
    handler: Callable[[Any, Desk], None]

    @property
    def title(self) -> str:
        """The first line of the command's docstring."""
        return (self.model.__doc__ or self.name).strip().partition("\n")[0]


COMMANDS: dict[str, CommandType] = {}
"""The command registry: HTTP, CLI, UI, import and Kafka are made from it."""


def handles(
    command: type[C],
) -> Callable[[Callable[[C, Desk], None]], Callable[[C, Desk], None]]:
    """Registers a function as the one that carries out a command."""

    def register(handler: Callable[[C, Desk], None]) -> Callable[[C, Desk], None]:
        if not command.__command__ or command.__command__ in COMMANDS:
            raise TypeError(f"a command needs a name of its own: {command.__command__!r}")
        COMMANDS[command.__command__] = CommandType(command.__command__, command, handler)
        return handler

    return register


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks."""

    id: str
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A command with who sends it, through which door, and as part of what."""

    command: Command
    actor: Actor
    command_id: UUID = field(default_factory=new_id)
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


@dataclass(frozen=True, slots=True)
class Outcome:
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
        self._states: dict[UUID, tuple[Aggregate[Any], Any, int]] = {}
        self._histories: dict[UUID, list[Recorded[Any]]] = {}
        self._owners: dict[tuple[str, str], UUID | None] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] | None = None

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
        unknown = {s for s in streams if s not in self._states and s not in self._histories}
        if unknown:
            found = self._store.read_many(unknown)
            self._histories |= {stream: found.get(stream, []) for stream in unknown}

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
        known = self._states.get(stream)
        if known is None:
            known = self._states[stream] = self._folded(aggregate, stream)
        kind, state, version = known
        # An id of another kind of record is, seen from here, a record that is not there.
        return (state if kind is aggregate else aggregate.blank), version

    def _folded(self, expected: Aggregate[Any], stream: UUID) -> tuple[Aggregate[Any], Any, int]:
        past = self._histories.pop(stream, None)
        if past is None:
            past = self._store.read(stream)
        kind = AGGREGATES[past[0].event.__event__.noun] if past else expected
        return kind, fold(kind.evolve, kind.blank, (it.event for it in past)), len(past)

    def put(self, kind: Aggregate[S], stream: UUID, state: S, version: int) -> None:
        self._keep(self._states, stream, (kind, state, version))

    def owner(self, kind: str, value: str) -> UUID | None:
        """Who holds a claimed value, counting what the batch has decided so far."""
        claim = (kind, value)
        if claim not in self._owners:
            self._owners[claim] = self._store.owners([claim]).get(claim)
        return self._owners[claim]

    def claim(self, kind: str, value: str, owner: UUID | None) -> None:
        self._keep(self._owners, (kind, value), owner)

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

    def decided(self) -> Decided:
        """All that was staged, as one entry of the log."""
        writes = tuple(
            Write(stream, mine.base, tuple(mine.events), mine.subjects(stream))
            for stream, mine in self._mine.items()
        )
        entry = Entry(
            self.ask.envelope(),
            writes,
            tuple(self._claims.values()),
            tuple(self._releases.values()),
            self.ask.command.fingerprint() if self.ask.remember else None,
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


@dataclass(frozen=True, slots=True)
class Decided:
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
    decided = desk.decided()
    desk.keep()
    return decided


class Bus:
    """Carries out commands against the log of one workspace."""

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def dispatch(self, ask: Ask) -> Outcome:
        """Carries out one command: decides, and decides anew if others were faster.

        Raises: Refused, Conflict, ClaimTaken, KeyReused, TooBusy.
        """
        known = self._known(ask)
        if known is not None:
            return known
        for left in reversed(range(TRIES_MAX)):
            states = States(self.store)
            states.prefetch([ask.command])
            decided = decide(ask, states)
            if not decided.is_new:
                return decided.outcome(None, self.store.head())
            try:
                done = self.store.append(decided.entry)
            except (Conflict, ClaimTaken) as faster:
                # Whoever named a version wants to hear of it; everyone else decides again.
                if not left or (ask.expected is not None and isinstance(faster, Conflict)):
                    raise
                continue
            return _first_outcome(done) if done.repeated else decided.outcome(done)
        raise AssertionError("unreachable")

    def preview(
        self, asks: Sequence[Ask], states: States | None = None
    ) -> list[Decided | Refused | Conflict]:
        """What the commands would do, one after the other; nothing is stored."""
        states = states or States(self.store)
        states.prefetch([ask.command for ask in asks])
        return [_decide_or_refuse(ask, states) for ask in asks]

    def dispatch_all(
        self,
        asks: Sequence[Ask],
        states: States | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> list[Outcome | Refused | Conflict]:
        """Carries out many commands in one transaction; a refused one fails alone.

        ``states`` may be kept from call to call by a long job; ``checkpoint`` is stored with
        the events, so that the job can go on from there.
        """
        states = states or States(self.store)
        for left in reversed(range(TRIES_MAX)):
            known = [self._known(ask) for ask in asks]
            fresh = [ask for ask, done in zip(asks, known, strict=True) if done is None]
            decisions = iter(self.preview(fresh, states))
            answers = [done or next(decisions) for done in known]
            new = [a for a in answers if isinstance(a, Decided) and a.is_new]
            try:
                stored = iter(self.store.append_all([a.entry for a in new], checkpoint))
            except (Conflict, ClaimTaken):
                states.forget()
                if not left:
                    raise
                continue
            return [
                a.outcome(next(stored) if a.is_new else None) if isinstance(a, Decided) else a
                for a in answers
            ]
        raise AssertionError("unreachable")

    def _known(self, ask: Ask) -> Outcome | None:
        if not ask.remember:
            return None
        known = self.store.outcome(ask.command_id, ask.command.fingerprint())
        return _first_outcome(known) if known else None


def _decide_or_refuse(ask: Ask, states: States) -> Decided | Refused | Conflict:
    try:
        return decide(ask, states)
    except (Refused, Conflict) as no:
        return no


def _first_outcome(known: Appended) -> Outcome:
    stream = next(iter(known.versions), None)
    return Outcome(
        position=known.position,
        stream=stream,
        version=known.versions[stream] if stream else 0,
        events=known.events,
        repeated=known.repeated,
    )

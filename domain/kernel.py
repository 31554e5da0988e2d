"""What facts, histories and refusals are made of. Imports nothing of ours."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    TypeVar,
    dataclass_transform,
    get_type_hints,
)
from uuid import UUID

import msgspec

T = TypeVar("T")

Personal = Annotated[T, msgspec.Meta(extra={"personal": True})]
"""A field that says something about a natural person: ``name: Personal[str]``.

It is stored sealed, under a key of that person's own. One that has to have a value is a text.
"""

Withheld = Literal["erased", "unreadable"]
"""Why personal fields are not there: the person's key was destroyed, or cannot be had now."""

WITHHELD: dict[Withheld, str] = {"erased": "[erased]", "unreadable": "[unreadable]"}
"""What a personal field that has to have a value says instead; others are None."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _EventMeta(msgspec.StructMeta):
    """Makes every event class frozen and keyword-only without each of them saying so."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        return super().__new__(
            mcs,
            name,
            bases,
            namespace,
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
            omit_defaults=True,
        )


class Event(msgspec.Struct, metaclass=_EventMeta):
    """A fact. What is stored is its registered name and version; the class may move.

    A field that is None was not said. Where a change can empty a field, the event names it
    in ``cleared``, so that "not said" and "emptied" stay two things in every reader.
    """

    __event__: ClassVar[EventType]


@dataclass(frozen=True)
class EventType:
    """The stored identity of an event class."""

    name: str
    """``noun.past_tense``, for ever."""
    version: int
    """The version that is written today; older ones are upcast on the way in."""
    summary: str
    """A format string over the event's fields: the sentence that people read."""
    cls: type[Event]

    @property
    def noun(self) -> str:
        """The kind of record that the event belongs to: ``opportunity``."""
        return self.name.partition(".")[0]

    @property
    def topic(self) -> str:
        """Name and version as stored: ``opportunity.opened/1``."""
        return f"{self.name}/{self.version}"

    @cached_property
    def personal_fields(self) -> tuple[str, ...]:
        """The fields that are declared ``Personal``."""
        return tuple(
            field
            for field, hint in get_type_hints(self.cls, include_extras=True).items()
            if _is_personal(hint)
        )


def _is_personal(hint: Any) -> bool:
    metas = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, msgspec.Meta)]
    if any(m.extra and m.extra.get("personal") for m in metas):
        return True
    return any(_is_personal(part) for part in getattr(hint, "__args__", ()))


CATALOGUE: dict[str, EventType] = {}
"""Every event type there is, by name."""

EventClass = TypeVar("EventClass", bound=type[Event])


def event(name: str, *, summary: str, version: int = 1) -> Callable[[EventClass], EventClass]:
    """Registers an event class under the name and version that are stored.

    Raises:
        TypeError: two classes ask for one name.
    """

    def register(cls: EventClass) -> EventClass:
        if name in CATALOGUE:
            raise TypeError(f"two events are named {name!r}")
        cls.__event__ = EventType(name, version, summary, cls)
        CATALOGUE[name] = cls.__event__
        return cls

    return register


def sentence(fact: Event) -> str:
    """What happened, in words: the event's summary filled with its own values."""
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return fact.__event__.summary.format_map(
        {name: "–" if value is None else value for name, value in fields.items()}
    )


E = TypeVar("E", bound=Event)
S = TypeVar("S")


class Recorded(msgspec.Struct, Generic[E], frozen=True, gc=False):
    """An event with where and when it came to rest, who brought it, and why."""

    event: E
    position: int
    """Dense and global in the workspace, from 1; 0 for an event that is only being decided."""
    stream: UUID
    version: int
    """Place in the stream, from 1."""
    recorded_at: datetime
    """When we learned of it. UTC."""
    occurred_at: datetime
    """When it was true. UTC; imports back-date it."""
    actor: str
    """The member, integration or automation that asked for it."""
    command_id: UUID
    correlation_id: UUID
    on_behalf_of: str | None = None
    reason: str | None = None
    source: str | None = None
    """The way in: ``form``, ``api``, ``import <file>:<line>``, ``automation <name>``."""
    causation_id: UUID | None = None
    """The command id of what caused the command, if another one did."""
    batch_id: UUID | None = None
    """What it was sent together with: an import, a bulk edit."""
    subjects: tuple[UUID, ...] = ()
    """The contacts, accounts and leads that it concerns."""
    withheld: Withheld | None = None
    """Why its personal fields are not there, where it has some and they are not."""
    sealed_for: UUID | None = None
    """Whose key seals its personal fields, where something personal was said."""

    @property
    def name(self) -> str:
        return self.event.__event__.name


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment of the past on two clocks. None means no limit."""

    at: datetime | None = None
    """Facts that were true then (``occurred_at <= at``)."""
    knew: datetime | None = None
    """Facts that we had learned by then (``recorded_at <= knew``)."""

    def holds(self, it: Recorded[Any]) -> bool:
        """Whether the fact lies before the cut on both clocks."""
        return (self.at is None or it.occurred_at <= self.at) and (
            self.knew is None or it.recorded_at <= self.knew
        )

    @property
    def is_now(self) -> bool:
        return self.at is None and self.knew is None


NOW = Cut()


class Refused(Exception):
    """The rules of the business say no."""

    def __init__(self, *, field: str | None = None, **facts: object) -> None:
        """``facts`` fill the braces of the docstring, which is the sentence the user reads;
        ``field`` names the input that is at fault, where one is."""
        self.field = field
        self.facts = facts
        super().__init__((self.__doc__ or "").format_map(facts))

    @property
    def code(self) -> str:
        """A stable name for machines: ``OpportunityIsClosed``."""
        return type(self).__name__


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """One kind of stream: how its history folds into what decisions need."""

    noun: str
    blank: S
    evolve: Callable[[S, Any], S]
    subjects: Callable[[S], tuple[UUID, ...]] = lambda _: ()
    """The contacts, accounts and leads that a record in this state concerns."""
    is_subject: bool = False
    """Whether the record is one of those itself."""
    person: Callable[[S], UUID | None] = lambda _: None
    """Whose personal data the record's events hold, where it is not the record itself: the first
    contact or lead that it concerns, or else the account. They are sealed under that key."""

    is_record: bool = True
    """Whether people keep such records; otherwise the program does, about itself."""

    def __post_init__(self) -> None:
        if self.noun in AGGREGATES:
            raise TypeError(f"two aggregates are named {self.noun!r}")
        AGGREGATES[self.noun] = self


AGGREGATES: dict[str, Aggregate[Any]] = {}
"""Every kind of stream there is, by noun."""


def records() -> dict[str, Aggregate[Any]]:
    """The kinds of records that people keep, by noun."""
    return {noun: kind for noun, kind in AGGREGATES.items() if kind.is_record}


def fold(evolve: Callable[[S, Any], S], state: S, events: Iterable[Event]) -> S:
    """The state after the events, in their order."""
    for fact in events:
        state = evolve(state, fact)
    return state


def some(*ids: UUID | None) -> tuple[UUID, ...]:
    """The ids that are there, each once, in the order given."""
    there = [i for i in ids if i is not None]
    return tuple(dict.fromkeys(there) if len(there) > 1 else there)


_draw = random.Random()  # noqa: S311  # ids have to differ; nobody has to be unable to guess them
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_draw.seed)


def new_id() -> UUID:
    """A version 7 UUID (RFC 9562 §5.7): ordered by time, so that indexes stay local."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | _draw.getrandbits(76)
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)

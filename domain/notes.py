"""A note: free text about any record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from domain.details import differs, learned
from domain.kernel import Aggregate, Event, Personal, Refused, event, some

# --- Events: stored as written; change them only by adding a version.


@event("note.written", summary="wrote a note about the {noun}: {text}")
class NoteWritten(Event):
    about: UUID
    """Any record."""
    noun: str
    """What kind of record that is: ``opportunity``."""
    text: Personal[str]
    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None


@event("note.revised", summary="now says: {text}")
class NoteRevised(Event):
    text: Personal[str]


@event("note.removed", summary="removed the note")
class NoteRemoved(Event):
    pass


NoteEvent = NoteWritten | NoteRevised | NoteRemoved

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Note:
    known: NoteWritten | None = None
    """As if written today."""
    removed: bool = False


def evolve(it: Note, fact: NoteEvent) -> Note:
    match fact:
        case NoteWritten():
            return Note(fact)
        case NoteRevised():
            return replace(it, known=learned(it.known, fact))
        case NoteRemoved():
            return replace(it, removed=True)
        case _:
            assert_never(fact)


def subjects(it: Note) -> tuple[UUID, ...]:
    return some(it.known.contact, it.known.account, it.known.lead) if it.known else ()


def person(it: Note) -> UUID | None:
    return (it.known.contact or it.known.lead or it.known.account) if it.known else None


NOTE = Aggregate("note", Note(), evolve, subjects, person=person)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchNote(Refused):
    """There is no such note."""


class NoteExists(Refused):
    """This note has been written already, with other content. Revise it instead."""


class NoteIsRemoved(Refused):
    """The note was removed."""


def write(it: Note, fact: NoteWritten) -> list[NoteEvent]:
    if it.known is None:
        return [fact]
    if differs(it.known, fact):
        raise NoteExists
    return []


def revise(it: Note, *, text: str) -> list[NoteEvent]:
    if it.known is None:
        raise NoSuchNote
    if it.removed:
        raise NoteIsRemoved
    return [] if it.known.text == text else [NoteRevised(text=text)]


def remove(it: Note) -> list[NoteEvent]:
    if it.known is None:
        raise NoSuchNote
    return [] if it.removed else [NoteRemoved()]

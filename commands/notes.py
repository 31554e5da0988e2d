"""What one may ask of a note."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from commands.about import concerned
from commands.desk import Desk
from commands.fields import Name, Text
from commands.registry import Command, handles
from domain import notes
from domain.kernel import new_id
from domain.notes import NOTE, NoteWritten


class WriteNote(Command, name="write-note"):
    """Writes a note about any record; it shows with the customers whom that record concerns."""

    note: UUID = Field(default_factory=new_id)
    about: UUID
    noun: Name = Field(description="What kind of record it is about: opportunity, contact.")
    text: Text


class ReviseNote(Command, name="revise-note"):
    """Puts another text in place of the one of a note."""

    note: UUID
    text: Text


class RemoveNote(Command, name="remove-note"):
    """Takes a note away. Its history stays."""

    note: UUID


@handles(WriteNote)
def write_note(ask: WriteNote, desk: Desk) -> None:
    whom = concerned(desk, ask.noun, ask.about)
    fact = NoteWritten(
        about=ask.about,
        noun=ask.noun,
        text=ask.text,
        contact=whom.contact,
        account=whom.account,
        lead=whom.lead,
    )
    desk.change(NOTE, ask.note, lambda it: notes.write(it, fact))


@handles(ReviseNote)
def revise_note(ask: ReviseNote, desk: Desk) -> None:
    desk.change(NOTE, ask.note, lambda it: notes.revise(it, text=ask.text))


@handles(RemoveNote)
def remove_note(ask: RemoveNote, desk: Desk) -> None:
    desk.change(NOTE, ask.note, notes.remove)

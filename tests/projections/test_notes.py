from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from domain.notes import NoteRemoved, NoteRevised, NoteWritten
from tests.given import START, row

CONTACT = UUID(int=7)
WRITTEN = NoteWritten(about=CONTACT, noun="contact", text="Likes tea", contact=CONTACT)


def test_a_note_shows_what_it_says_now_and_who_wrote_it() -> None:
    note = row("notes", WRITTEN, NoteRevised(text="Likes coffee"))
    assert (note.text, note.about, note.noun, note.contact) == (
        "Likes coffee",
        CONTACT,
        "contact",
        CONTACT,
    )
    assert (note.written_by, note.written_at) == ("past", START)
    assert note.changed_at == START + timedelta(days=1)


def test_a_removed_note_is_gone() -> None:
    assert row("notes", WRITTEN, NoteRemoved()) is None

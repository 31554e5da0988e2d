from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import fold
from domain.notes import Note, NoteIsRemoved, NoteWritten, evolve, remove, revise, write

texts = st.text(min_size=1, max_size=5)


def _written(text: str) -> NoteWritten:
    return NoteWritten(about=UUID(int=7), noun="contact", text=text)


@given(texts, st.lists(texts, max_size=5))
def test_a_note_says_what_was_said_last(first: str, revisions: list[str]) -> None:
    note = fold(evolve, Note(), write(Note(), _written(first)))
    for text in revisions:
        note = fold(evolve, note, revise(note, text=text))
        assert revise(note, text=text) == []

    assert write(note, _written([first, *revisions][-1])) == []


@given(texts)
def test_removing_twice_removes_once(text: str) -> None:
    note = fold(evolve, Note(), [_written(text)])
    note = fold(evolve, note, remove(note))

    assert remove(note) == []
    with pytest.raises(NoteIsRemoved):
        revise(note, text=text)

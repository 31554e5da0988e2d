"""Notes as people look at them: one row each; a removed one is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.notes import NoteRemoved, NoteRevised, NoteWritten
from projections.kit import Key, View, view


class NoteRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    about: UUID
    noun: str
    """What kind of record it is about."""
    contact: UUID | None
    account: UUID | None
    lead: UUID | None
    text: str
    written_by: str
    """The actor who wrote it."""
    written_at: datetime
    changed_at: datetime


@view
class Notes(View[NoteRow]):
    name = "notes"
    version = 1
    row = NoteRow
    reads = (NoteWritten, NoteRevised, NoteRemoved)
    indexes = ("about, written_at", "contact, written_at", "account, written_at", "changed_at, id")

    def evolve(self, row: NoteRow | None, it: Recorded[Any], key: Key) -> NoteRow | None:
        fact = it.event
        if isinstance(fact, NoteWritten):
            return _written(it)
        if row is None or isinstance(fact, NoteRemoved):
            return None
        return replace(row, text=fact.text, version=it.version, changed_at=it.occurred_at)


def _written(it: Recorded[NoteWritten]) -> NoteRow:
    return NoteRow(
        **msgspec.structs.asdict(it.event),
        id=it.stream,
        version=it.version,
        written_by=it.actor,
        written_at=it.occurred_at,
        changed_at=it.occurred_at,
    )

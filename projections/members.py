"""The staff as people look at them: one row each."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from domain.details import said
from domain.kernel import Recorded
from domain.members import MemberAdded, MemberDetailsChanged
from projections.kit import Key, View, view


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    name: str
    email: str | None
    title: str | None
    team: str | None
    office: str | None
    manager: UUID | None
    external_id: str | None
    added_at: datetime
    changed_at: datetime


@view
class Members(View[MemberRow]):
    name = "members"
    version = 1
    row = MemberRow
    reads = (MemberAdded, MemberDetailsChanged)
    indexes = ("team", "manager")

    def evolve(self, row: MemberRow | None, it: Recorded[Any], key: Key) -> MemberRow | None:
        at = it.occurred_at
        if isinstance(it.event, MemberAdded):
            return MemberRow(
                id=it.stream, version=it.version, added_at=at, changed_at=at, **asdict(it.event)
            )
        if row is None:
            return None
        return replace(row, **said(it.event, MemberAdded), version=it.version, changed_at=at)

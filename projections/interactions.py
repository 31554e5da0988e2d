"""Interactions as people look at them: one row each; a withdrawn one is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.details import said
from domain.interactions import (
    InteractionCorrected,
    InteractionReattributed,
    InteractionRecorded,
    InteractionWithdrawn,
)
from domain.kernel import Recorded
from projections.kit import Key, View, view


class InteractionRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    channel: str
    direction: str
    kind: str | None
    contact: UUID | None
    account: UUID | None
    lead: UUID | None
    opportunity: UUID | None
    case: UUID | None
    member: UUID | None
    campaign: UUID | None
    subject: str | None
    body: str | None
    url: str | None
    duration_seconds: int | None
    external_id: str | None
    recorded_by: str
    """The actor who recorded it."""
    occurred_at: datetime
    changed_at: datetime


@view
class Interactions(View[InteractionRow]):
    name = "interactions"
    version = 1
    row = InteractionRow
    reads = (
        InteractionRecorded,
        InteractionCorrected,
        InteractionReattributed,
        InteractionWithdrawn,
    )
    indexes = (
        "contact, occurred_at",
        "account, occurred_at",
        "lead, occurred_at",
        "opportunity, occurred_at",
        '"case", occurred_at',
        "occurred_at, id",
    )

    def evolve(
        self, row: InteractionRow | None, it: Recorded[Any], key: Key
    ) -> InteractionRow | None:
        fact = it.event
        if isinstance(fact, InteractionRecorded):
            return _recorded(it)
        if row is None or isinstance(fact, InteractionWithdrawn):
            return None
        amended = said(fact, InteractionRecorded)
        return replace(row, **amended, version=it.version, changed_at=it.occurred_at)


def _recorded(it: Recorded[InteractionRecorded]) -> InteractionRow:
    return InteractionRow(
        **msgspec.structs.asdict(it.event),
        id=it.stream,
        version=it.version,
        recorded_by=it.actor,
        occurred_at=it.occurred_at,
        changed_at=it.occurred_at,
    )

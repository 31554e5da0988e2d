"""Leads as people look at them: one row each, with what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from domain.details import said
from domain.kernel import Recorded
from domain.leads import (
    LeadAssigned,
    LeadCaptured,
    LeadConverted,
    LeadDetailsChanged,
    LeadDiscarded,
    LeadErased,
    LeadErasureCertified,
    LeadQualified,
    LeadReopened,
)
from projections.kit import Key, View, view


class LeadRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    company: str | None
    title: str | None
    country: str | None
    source: str | None
    campaign: str | None
    interest: str | None
    external_id: str | None
    owner: UUID | None
    status: str = "new"
    """new, qualified, discarded or converted"""
    score: int | None = None
    """0 to 100."""
    discard_reason: str | None = None
    contact: UUID | None = None
    """What it was converted into, as are account and opportunity."""
    account: UUID | None = None
    opportunity: UUID | None = None
    captured_at: datetime
    qualified_at: datetime | None = None
    closed_at: datetime | None = None
    """When it was discarded or converted."""
    changed_at: datetime
    erased_at: datetime | None = None


@view
class Leads(View[LeadRow]):
    name = "leads"
    version = 3
    row = LeadRow
    reads = (
        LeadCaptured,
        LeadDetailsChanged,
        LeadAssigned,
        LeadQualified,
        LeadDiscarded,
        LeadReopened,
        LeadConverted,
        LeadErased,
        LeadErasureCertified,
    )
    indexes = (
        "status, captured_at",
        "status, changed_at DESC, id",
        "owner",
        "contact",
        "email",
        "external_id",
        "changed_at, id",
    )

    def evolve(self, row: LeadRow | None, it: Recorded[Any], key: Key) -> LeadRow | None:
        at = it.occurred_at
        if isinstance(it.event, LeadCaptured):
            return LeadRow(
                id=it.stream, version=it.version, captured_at=at, changed_at=at, **asdict(it.event)
            )
        if row is None:
            return None
        return replace(row, **_changes(row, it), version=it.version, changed_at=at)


def _changes(row: LeadRow, it: Recorded[Any]) -> dict[str, Any]:
    match it.event:
        case LeadQualified(score=score):
            return {"status": "qualified", "score": score, "qualified_at": it.occurred_at}
        case LeadDiscarded(discard_reason=why):
            return {"status": "discarded", "discard_reason": why, "closed_at": it.occurred_at}
        case LeadReopened():
            status = "qualified" if row.qualified_at else "new"
            return {"status": status, "discard_reason": None, "closed_at": None}
        case LeadConverted() as fact:
            return {"status": "converted", "closed_at": it.occurred_at, **asdict(fact)}
        case LeadErased():
            return {"erased_at": it.occurred_at}
        case fact:
            return said(fact, LeadCaptured)

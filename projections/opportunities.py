"""Opportunities as people look at them: one row each, open or closed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.kernel import Recorded, some
from domain.opportunities import (
    OpportunityAssigned,
    OpportunityContactJoined,
    OpportunityContactLeft,
    OpportunityExpectedCloseChanged,
    OpportunityLost,
    OpportunityOpened,
    OpportunityRenamed,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityStageChanged,
    OpportunityWon,
)
from projections.kit import Key, View, view


class OpportunityRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    name: str
    pipeline: UUID
    stage: str
    status: str
    """open, won or lost"""
    account: UUID | None
    contacts: tuple[UUID, ...]
    owner: UUID | None
    product: UUID | None
    lead: UUID | None
    """The lead whose conversion opened it."""
    amount: Decimal | None
    currency: str | None
    expected_close: date | None
    lead_source: str | None
    lost_reason: str | None
    external_id: str | None
    opened_at: datetime
    stage_since: datetime
    closed_at: datetime | None
    changed_at: datetime


@view
class Opportunities(View[OpportunityRow]):
    name = "opportunities"
    version = 2
    row = OpportunityRow
    reads = (
        OpportunityOpened,
        OpportunityRenamed,
        OpportunityStageChanged,
        OpportunityRevalued,
        OpportunityExpectedCloseChanged,
        OpportunityAssigned,
        OpportunityContactJoined,
        OpportunityContactLeft,
        OpportunityWon,
        OpportunityLost,
        OpportunityReopened,
    )
    indexes = (
        "pipeline, status, stage",
        "account",
        "USING gin (contacts)",
        "lead",
        "owner",
        "changed_at, id",
    )

    def evolve(
        self, row: OpportunityRow | None, it: Recorded[Any], key: Key
    ) -> OpportunityRow | None:
        fact = it.event
        if isinstance(fact, OpportunityOpened):
            return _opened(it)
        if row is None:
            return None
        return replace(
            row, **_changes(row, fact, it), version=it.version, changed_at=it.occurred_at
        )


def _opened(it: Recorded[OpportunityOpened]) -> OpportunityRow:
    fact = it.event
    return OpportunityRow(
        id=it.stream,
        version=it.version,
        name=fact.name,
        pipeline=fact.pipeline,
        stage=fact.stage,
        status="open",
        account=fact.account,
        contacts=some(fact.contact),
        owner=fact.owner,
        product=fact.product,
        lead=fact.lead,
        amount=fact.amount,
        currency=fact.currency,
        expected_close=fact.expected_close,
        lead_source=fact.lead_source,
        lost_reason=None,
        external_id=fact.external_id,
        opened_at=it.occurred_at,
        stage_since=it.occurred_at,
        closed_at=None,
        changed_at=it.occurred_at,
    )


def _changes(row: OpportunityRow, fact: Any, it: Recorded[Any]) -> dict[str, Any]:
    match fact:
        case OpportunityRenamed(name=name):
            return {"name": name}
        case OpportunityStageChanged(to_stage=stage):
            return {"stage": stage, "stage_since": it.occurred_at}
        case OpportunityRevalued(amount=amount, currency=currency):
            return {"amount": amount, "currency": currency}
        case OpportunityExpectedCloseChanged(expected_close=on):
            return {"expected_close": on}
        case OpportunityAssigned(owner=owner):
            return {"owner": owner}
        case OpportunityContactJoined(contact=contact):
            return {"contacts": some(*row.contacts, contact)}
        case OpportunityContactLeft(contact=contact):
            return {"contacts": tuple(c for c in row.contacts if c != contact)}
        case OpportunityWon(amount=None):
            return {"status": "won", "closed_at": it.occurred_at}
        case OpportunityWon(amount=amount, currency=currency):
            return {
                "status": "won",
                "closed_at": it.occurred_at,
                "amount": amount,
                "currency": currency,
            }
        case OpportunityLost(lost_reason=why):
            return {"status": "lost", "closed_at": it.occurred_at, "lost_reason": why}
        case OpportunityReopened(stage=stage):
            return {
                "status": "open",
                "stage": stage,
                "stage_since": it.occurred_at,
                "closed_at": None,
                "lost_reason": None,
            }
        case _:
            return {}

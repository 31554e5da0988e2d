"""The rows of opportunities."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

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
from tests.given import START, row

PIPELINE, EVE, SAM, ADA, LEAD = (UUID(int=n) for n in range(101, 106))
OPENED = OpportunityOpened(
    name="Acme",
    pipeline=PIPELINE,
    stage="New",
    contact=EVE,
    lead=LEAD,
    amount=Decimal(100),
    currency="EUR",
)
MOVED = OpportunityStageChanged(from_stage="New", to_stage="Offer")
LOST = OpportunityLost(lost_reason="price")


def test_a_row_says_what_is_known_now() -> None:
    it = row(
        "opportunities",
        OPENED,
        MOVED,
        OpportunityRenamed(name="Acme renewal"),
        OpportunityRevalued(amount=Decimal(90), currency="USD"),
        OpportunityExpectedCloseChanged(expected_close=date(2025, 1, 2)),
        OpportunityAssigned(owner=ADA),
    )
    assert (it.name, it.stage, it.status, it.lead) == ("Acme renewal", "Offer", "open", LEAD)
    assert (it.amount, it.currency, it.owner) == (Decimal(90), "USD", ADA)
    assert it.expected_close == date(2025, 1, 2)
    assert (it.stage_since, it.changed_at) == (START + timedelta(days=1), START + timedelta(days=5))


def test_contacts_are_on_it_once() -> None:
    joined = OpportunityContactJoined(contact=SAM, role="pays")
    again = OpportunityContactJoined(contact=SAM, role="decides")
    assert row("opportunities", OPENED, joined, again).contacts == (EVE, SAM)
    left = OpportunityContactLeft(contact=EVE)
    assert row("opportunities", OPENED, joined, left).contacts == (SAM,)


def test_won_for_what_was_said_or_else_for_what_was_expected() -> None:
    it = row("opportunities", OPENED, OpportunityWon())
    assert (it.status, it.amount, it.closed_at) == ("won", Decimal(100), START + timedelta(days=1))
    it = row("opportunities", OPENED, OpportunityWon(amount=Decimal(80), currency="USD"))
    assert (it.amount, it.currency) == (Decimal(80), "USD")


def test_lost_and_reopened() -> None:
    lost = row("opportunities", OPENED, MOVED, LOST)
    assert (lost.status, lost.stage, lost.lost_reason) == ("lost", "Offer", "price")
    it = row("opportunities", OPENED, MOVED, LOST, OpportunityReopened(stage="New"))
    assert (it.status, it.stage, it.lost_reason, it.closed_at) == ("open", "New", None, None)
    assert it.stage_since == START + timedelta(days=3)


def test_without_a_beginning_there_is_no_row() -> None:
    assert row("opportunities", MOVED) is None

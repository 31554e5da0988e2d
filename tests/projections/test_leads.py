"""The rows of leads."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.leads import (
    LeadAssigned,
    LeadCaptured,
    LeadConverted,
    LeadDetailsChanged,
    LeadDiscarded,
    LeadEvent,
    LeadQualified,
    LeadReopened,
)
from tests.given import START, row

ADA, CONTACT, ACCOUNT = UUID(int=101), UUID(int=102), UUID(int=103)
EVE = LeadCaptured(first_name="Eve", company="Acme", source="webinar")
QUALIFIED = LeadQualified(score=80)
DISCARDED = LeadDiscarded(discard_reason="no budget")


@pytest.mark.parametrize(
    ("past", "status"),
    [
        ((), "new"),
        ((QUALIFIED,), "qualified"),
        ((DISCARDED,), "discarded"),
        ((DISCARDED, LeadReopened()), "new"),
        ((QUALIFIED, DISCARDED, LeadReopened()), "qualified"),
        ((QUALIFIED, LeadConverted(contact=CONTACT)), "converted"),
    ],
)
def test_the_status_of_a_lead(past: tuple[LeadEvent, ...], status: str) -> None:
    assert row("leads", EVE, *past).status == status


def test_a_row_says_what_is_known_now() -> None:
    it = row(
        "leads", EVE, LeadDetailsChanged(title="CEO", cleared=("company",)), LeadAssigned(owner=ADA)
    )
    assert (it.title, it.company, it.owner, it.version) == ("CEO", None, ADA, 3)


def test_a_row_says_what_became_of_it() -> None:
    it = row("leads", EVE, QUALIFIED, LeadConverted(contact=CONTACT, account=ACCOUNT))
    assert (it.contact, it.account, it.opportunity) == (CONTACT, ACCOUNT, None)
    assert (it.score, it.qualified_at) == (80, START + timedelta(days=1))
    assert it.closed_at == START + timedelta(days=2)


def test_a_reopened_lead_is_not_closed() -> None:
    closed = row("leads", EVE, DISCARDED)
    assert (closed.discard_reason, closed.closed_at) == ("no budget", START + timedelta(days=1))
    it = row("leads", EVE, DISCARDED, LeadReopened())
    assert (it.discard_reason, it.closed_at) == (None, None)


def test_without_a_beginning_there_is_no_row() -> None:
    assert row("leads", QUALIFIED) is None

"""The rows of accounts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from domain.accounts import (
    AccountAssigned,
    AccountDetailsChanged,
    AccountDetailsCorrected,
    AccountOpened,
)
from tests.given import START, row

ADA, GRACE = UUID(int=101), UUID(int=102)
ACME = AccountOpened(
    name="Acme", city="Oslo", revenue=Decimal(1), revenue_currency="EUR", owner=ADA
)


def test_a_row_says_what_is_known_now() -> None:
    it = row(
        "accounts",
        ACME,
        AccountDetailsChanged(industry="retail", cleared=("city",)),
        AccountDetailsCorrected(name="ACME Ltd"),
        AccountAssigned(owner=GRACE),
    )
    assert (it.name, it.industry, it.city, it.owner) == ("ACME Ltd", "retail", None, GRACE)
    assert (it.revenue, it.revenue_currency) == (Decimal(1), "EUR")
    assert (it.version, it.opened_at) == (4, START)
    assert it.changed_at == START + timedelta(days=3)


def test_without_a_beginning_there_is_no_row() -> None:
    assert row("accounts", AccountDetailsChanged(name="Acme")) is None

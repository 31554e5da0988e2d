"""The rows of products."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from domain.products import (
    ProductAdded,
    ProductDetailsChanged,
    ProductPriceChanged,
    ProductRetired,
)
from tests.given import START, row


def test_a_row_says_what_is_known_now() -> None:
    it = row(
        "products",
        ProductAdded(name="Lamp", family="light"),
        ProductPriceChanged(list_price=Decimal(50), currency="EUR"),
        ProductDetailsChanged(code="L1", cleared=("family",)),
        ProductRetired(),
    )
    assert (it.name, it.code, it.family) == ("Lamp", "L1", None)
    assert (it.list_price, it.currency) == (Decimal(50), "EUR")
    assert (it.version, it.retired_at) == (4, START + timedelta(days=3))


def test_without_a_beginning_there_is_no_row() -> None:
    assert row("products", ProductRetired()) is None

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from api.web import words

NOW = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12500", "EUR", "12,500.00 EUR"),
        ("12500", "JPY", "12,500 JPY"),
        ("1.5", "KWD", "1.500 KWD"),
        ("-3.1", "USD", "−3.10 USD"),
        ("0.005", "USD", "0.005 USD"),
        ("7", None, "7.00"),
    ],
)
def test_money_has_the_digits_of_its_currency(amount: str, currency: str, shown: str) -> None:
    assert str(words.money(Decimal(amount), currency)) == shown


@pytest.mark.parametrize(
    ("back", "shown"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=16), "yesterday"),
        (timedelta(days=4), "4 days ago"),
        (timedelta(days=40), "22 Jan"),
        (timedelta(days=400), "27 Jan 2025"),
        (timedelta(minutes=-30), "in 30 min"),
        (timedelta(days=-1), "tomorrow"),
        (timedelta(days=-5), "in 5 days"),
    ],
)
def test_moments_are_told_from_now(back: timedelta, shown: str) -> None:
    assert words.in_short(NOW - back, NOW) == shown


def test_dates_are_told_from_today() -> None:
    assert words.in_short(date(2026, 3, 4), NOW) == "tomorrow"
    assert words.in_short(date(2027, 1, 9), NOW) == "9 Jan 2027"


def test_a_moment_at_length_names_its_zone() -> None:
    assert words.at_length(NOW) == "3 March 2026, 14:02 UTC"
    assert words.at_length(date(2026, 3, 3)) == "3 March 2026"


def test_lengths_take_their_largest_unit() -> None:
    assert words.length(timedelta(days=1, hours=5)) == "1 day"
    assert words.length(timedelta(hours=5)) == "5 h"
    assert words.length(timedelta(seconds=-4)) == "0 min"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Mara Lindqvist", "ML"), ("Ada", "A"), ("Jo van der Berg", "JB"), ("–", "–")],
)
def test_initials(name: str, shown: str) -> None:
    assert words.initials(name) == shown


def test_counts() -> None:
    assert words.counted(1, "fact") == "1 fact"
    assert words.counted(12_500, "fact") == "12,500 facts"
    assert words.counted(2, "company", "companies") == "2 companies"
    assert words.percent(0.14637) == "14.6 %"
    assert words.label("postal_code") == "Postal code"

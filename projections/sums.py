"""What rows come to, by currency: amounts of different currencies are never added."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of one currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records there are, and what they come to, by currency."""

    count: int
    sums: tuple[Sum, ...]


NOTHING = Tally(0, ())


def sums(rows: Iterable[Any], amount: str = "amount") -> tuple[Sum, ...]:
    """What rows come to, by currency; those without an amount are left out."""
    found: dict[str, Decimal] = {}
    for row in rows:
        value = getattr(row, amount)
        if value is not None:
            found[row.currency or ""] = found.get(row.currency or "", Decimal(0)) + value
    return tuple(Sum(found[currency], currency) for currency in sorted(found))


def tally(rows: Collection[Any], amount: str = "amount") -> Tally:
    """How many rows there are, and what they come to."""
    return Tally(len(rows), sums(rows, amount))

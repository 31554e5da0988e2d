"""Money: an amount in a currency. Amounts of different currencies are never added."""

from __future__ import annotations

from decimal import Decimal

from domain.kernel import Refused


class CurrencyMissing(Refused):
    """An amount needs a currency."""


def check_money(amount: Decimal | None, currency: str | None, *, field: str = "currency") -> None:
    """Refuses an amount without a currency; ``field`` is the input that would name it.

    Raises:
        CurrencyMissing: there is an amount and no currency.
    """
    if amount is not None and currency is None:
        raise CurrencyMissing(field=field)

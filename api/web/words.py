"""Money, moments and counts as people read them. Pure; templates use them as filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

UNDIVIDED = frozenset(
    [
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
        *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
    ]
)
"""Currencies of ISO 4217 without a smaller unit."""
MILLS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
"""Those that are divided by a thousand; all others are by a hundred."""
INITIALS_MAX = 2

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as it is shown: ``12,500`` and ``.00`` and ``EUR``."""

    whole: str
    fraction: str
    currency: str

    def __str__(self) -> str:
        return f"{self.whole}{self.fraction} {self.currency}".strip()


def money(amount: Decimal, currency: str | None) -> Money:
    """An amount in the digits of its currency; exact where it has more of them."""
    digits = 0 if currency in UNDIVIDED else 3 if currency in MILLS else 2
    rounded = amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    text = f"{rounded if rounded == amount else amount.normalize():,f}"
    whole, dot, fraction = text.partition(".")
    return Money(whole.replace("-", "−"), dot + fraction, currency or "")


def number(value: float | Decimal) -> str:
    """A count with separators: ``12,500``."""
    return f"{value:,}"


def percent(share: float, digits: int = 1) -> str:
    """A share of one: ``0.1464`` is ``14.6 %``."""
    return f"{share * 100:.{digits}f} %"


def counted(n: int, one: str, many: str | None = None) -> str:
    """``1 fact``, ``2 facts``, ``2 companies``."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def at_length(moment: datetime | date) -> str:
    """A moment for the record: ``3 March 2026, 14:02 UTC``; a date without the time."""
    if not isinstance(moment, datetime):
        return f"{moment.day} {moment:%B %Y}"
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def in_short(moment: datetime | date, now: datetime) -> str:
    """A moment in a list, seen from ``now``: ``5 min ago``, ``in 3 days``, ``3 Mar 2025``."""
    if not isinstance(moment, datetime):
        return _days_off((moment - now.date()).days) or _short_date(moment, now)
    seconds = (now - moment).total_seconds()
    if abs(seconds) < _MINUTE:
        return "just now"
    if abs(seconds) < _HOUR:
        return _direction(f"{int(abs(seconds) // _MINUTE)} min", seconds)
    if abs(seconds) < _DAY and moment.astimezone(UTC).date() == now.astimezone(UTC).date():
        return _direction(f"{int(abs(seconds) // _HOUR)} h", seconds)
    days = (moment.astimezone(UTC).date() - now.astimezone(UTC).date()).days
    return _days_off(days) or _short_date(moment.astimezone(UTC).date(), now)


def _direction(words: str, seconds: float) -> str:
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _days_off(days: int) -> str | None:
    """Up to two weeks either way in words."""
    near = {0: "today", -1: "yesterday", 1: "tomorrow"}
    if days in near:
        return near[days]
    if abs(days) > 14:
        return None
    return f"{-days} days ago" if days < 0 else f"in {days} days"


def _short_date(day: date, now: datetime) -> str:
    return f"{day.day} {day:%b}" if day.year == now.year else f"{day.day} {day:%b %Y}"


def length(span: timedelta) -> str:
    """How long something has lasted, in its largest unit: ``12 days``, ``3 h``, ``4 min``."""
    seconds = int(span.total_seconds())
    if seconds >= _DAY:
        return counted(seconds // _DAY, "day")
    if seconds >= _HOUR:
        return f"{seconds // _HOUR} h"
    return f"{max(seconds, 0) // _MINUTE} min"


def initials(name: str) -> str:
    """At most two letters that stand for a name: ``Mara Lindqvist`` is ``ML``."""
    words = [word for word in name.split() if word[0].isalnum()]
    chosen = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in chosen[:INITIALS_MAX]).upper() or "–"


def label(field: str) -> str:
    """A field's name as a label: ``postal_code`` is ``Postal code``."""
    return "URL" if field == "url" else field.replace("_", " ").capitalize()

"""Moments of the past as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from domain.kernel import Cut

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLUS_LOST = re.compile(r"(T.*) (\d{2}:\d{2})$")


def moment(text: str) -> datetime:
    """The UTC moment of an ISO 8601 text: a day means its end, a time without a zone is UTC.

    Raises:
        ValueError: the text names no moment.
    """
    # In an address, a plus sign that was not escaped arrives as a space.
    text = _PLUS_LOST.sub(r"\1+\2", text.strip())
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a moment. Write 2026-03-03 for the end of that day (UTC) or"
            " 2026-03-03T14:02:00Z."
        ) from None


def cut(at: str | None, knew: str | None) -> Cut:
    """The cut that two such texts make.

    Raises:
        ValueError: as ``moment``.
    """
    return Cut(at=moment(at) if at else None, knew=moment(knew) if knew else None)

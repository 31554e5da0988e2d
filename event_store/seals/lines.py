"""Values as they stand in lines of text: base64, decimal numbers, names."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

from event_store.seals.merkle import TREE_SIZE_MAX

DECIMAL = re.compile("0|[1-9][0-9]{0,18}")


def to_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes | None:
    """The bytes behind base64; None if it is none, or not the one way to write them."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if to_base64(data) == text else None


def from_decimal(text: str) -> int | None:
    """A number from 0 to ``TREE_SIZE_MAX``; None if it is none, or has leading zeroes."""
    if not DECIMAL.fullmatch(text) or int(text) > TREE_SIZE_MAX:
        return None
    return int(text)


def is_clean(text: str) -> bool:
    """Whether text can be part of a note: no control characters, nothing that UTF-8 lacks."""
    return not any(c < " " or "\ud800" <= c <= "\udfff" for c in text)


def is_name(name: str) -> bool:
    """Whether it can be the name of a key: not empty, no spaces and no plus."""
    return bool(name) and is_clean(name) and not any(c.isspace() or c == "+" for c in name)

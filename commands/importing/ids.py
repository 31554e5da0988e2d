"""Ids that come out the same each time: from the source, the kind of record and its key."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

NAMESPACE = UUID("7c1f6c0e-6a1e-5d0b-9d3e-2f4b8c5a9e17")
"""Of every id that an import makes; the same in every workspace, for ever."""
IDS_KEPT_MAX = 65_536
SEPARATOR = "\x1f"
"""Between the parts of a key; no text from a file has it in practice, and none is harmed."""


@lru_cache(maxsize=IDS_KEPT_MAX)
def record_id(source: str, noun: str, key: str) -> UUID:
    """The id of the record that a source knows by that key: a name-based UUID of version 5."""
    name = SEPARATOR.join((source, noun, key)).encode()
    digest = hashlib.sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def as_text(value: Any) -> str:
    """A value as a part of a key or a text; equal values give equal texts."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            return str(value)

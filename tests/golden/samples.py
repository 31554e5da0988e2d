"""One stored sample of each event type: what bytes once written must mean for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import NAMESPACE_DNS, UUID, uuid5

import msgspec

import domain  # noqa: F401  # fills the catalogue
from domain.kernel import CATALOGUE, Event
from event_store.codec import encode

FOLDER = Path(__file__).parent
DIGESTS = FOLDER / "digests.txt"
"""SHA-256 of each sample, one a line: who changes a sample has to change it here as well."""


class Sample(msgspec.Struct, frozen=True):
    """An event as the log keeps it."""

    topic: str
    state: str

    @property
    def file(self) -> Path:
        """``<name>.<version>.json``"""
        return FOLDER / f"{self.topic.replace('/', '.')}.json"


def every_sample() -> Iterator[Sample]:
    """A sample of each event type as it is written today, made from its class."""
    for kind in CATALOGUE.values():
        topic, state = encode(filled(kind.cls))
        yield Sample(topic, state.decode())


def stored_samples() -> list[Sample]:
    """The samples in the folder, of today's versions and of older ones."""
    files = sorted(FOLDER.glob("*.json"))
    return [msgspec.json.decode(file.read_bytes(), type=Sample) for file in files]


def write_missing() -> list[Path]:
    """Stores samples of event types that have none yet. Existing ones are never touched."""
    missing = [sample for sample in every_sample() if not sample.file.exists()]
    for sample in missing:
        sample.file.write_bytes(msgspec.json.format(msgspec.json.encode(sample)) + b"\n")
    with DIGESTS.open("a", encoding="utf-8") as digests:
        digests.writelines(f"{digest(s.file)}  {s.file.name}\n" for s in missing)
    return [sample.file for sample in missing]


def digest(file: Path) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def filled(cls: type[Event]) -> Event:
    """An event with a value in every field, so that none can be renamed unseen."""
    made: Event = _struct(cls)
    return made


def _struct(cls: type[msgspec.Struct]) -> Any:
    return cls(**{f.name: _value(f.type, f.name) for f in msgspec.structs.fields(cls)})


PLAIN: dict[Any, Any] = {
    int: 3,
    float: 0.25,
    bool: True,
    Decimal: Decimal("1234.50"),
    date: date(2024, 2, 29),
    datetime: datetime(2024, 2, 29, 12, 30, 15, 123456, UTC),
}


def _value(hint: Any, field: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Annotated, Union, UnionType):
        return _value(args[0], field)
    if origin is Literal:
        return args[0]
    if origin is tuple:
        return (_value(args[0], field),)
    if hint is str:
        return f"{field} “ä”"
    if hint is UUID:
        return uuid5(NAMESPACE_DNS, field)
    return PLAIN[hint] if hint in PLAIN else _struct(hint)

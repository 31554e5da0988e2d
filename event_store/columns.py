"""The log as DuckDB sees it: an envelope, and one typed struct column for each kind of event."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from domain.kernel import CATALOGUE, EventType

Shape = str | list[Any] | dict[str, Any]
"""A type as ``from_json`` takes it: a name, a list of one shape, or a field to shape mapping."""

ENVELOPE: dict[str, str] = {
    "position": "BIGINT",
    "stream": "UUID",
    "version": "INTEGER",
    "name": "VARCHAR",
    "type_version": "INTEGER",
    "noun": "VARCHAR",
    "occurred_at": "TIMESTAMPTZ",
    "recorded_at": "TIMESTAMPTZ",
    "actor": "VARCHAR",
    "on_behalf_of": "VARCHAR",
    "reason": "VARCHAR",
    "source": "VARCHAR",
    "command_id": "UUID",
    "correlation_id": "UUID",
    "causation_id": "UUID",
    "batch_id": "UUID",
    "subjects": "UUID[]",
}
"""What every event has, in the order of the columns of ``events``."""

_NAMES: dict[Any, str] = {
    str: "VARCHAR",
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE",
    Decimal: "DECIMAL(18,4)",
    UUID: "UUID",
    date: "DATE",
    datetime: "TIMESTAMPTZ",
    Any: "JSON",
}


def column(name: str) -> str:
    """The struct column, and the view, of an event: ``opportunity_opened``."""
    return name.replace(".", "_")


@cache
def payload(kind: EventType) -> dict[str, Shape]:
    """The fields of an event that analysts may see, each with its shape. Personal ones are not
    among them.

    Raises:
        TypeError: a field is of a kind that has no column type yet.
    """
    try:
        return _fields(kind.cls)
    except TypeError as bad:
        raise TypeError(f"{kind.name}: {bad}") from bad


def _fields(struct: type[msgspec.Struct]) -> dict[str, Shape]:
    hints = get_type_hints(struct, include_extras=True)
    return {
        name: _shape(name, hints[name])
        for name in struct.__struct_fields__
        if not _says_personal(hints[name])
    }


def _says_personal(hint: Any) -> bool:
    """Whether the value itself, or each item of it, is declared ``Personal``."""
    if get_origin(hint) is Annotated:
        metas = [m for m in hint.__metadata__ if isinstance(m, msgspec.Meta)]
        if any(m.extra and m.extra.get("personal") for m in metas):
            return True
    return any(_says_personal(part) for part in get_args(hint))


def _shape(field: str, hint: Any) -> Shape:
    origin, args = get_origin(hint), [a for a in get_args(hint) if a is not NoneType]
    if origin is Annotated or (origin in (Union, UnionType) and len(args) == 1):
        return _shape(field, args[0])
    if origin is Literal:
        return "VARCHAR"
    if origin in (list, tuple, set, frozenset):
        return [_shape(field, args[0])]
    if origin is dict:
        return f"MAP(VARCHAR, {sql_type(_shape(field, args[1]))})"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return dict(_fields(hint))
    if hint not in _NAMES:
        raise TypeError(f"the field {field!r} is a {hint}, which has no column type")
    return _NAMES[hint]


def sql_type(shape: Shape) -> str:
    """The shape as a type in SQL."""
    if isinstance(shape, str):
        return shape
    if isinstance(shape, list):
        return f"{sql_type(shape[0])}[]"
    return "STRUCT(" + ", ".join(f'"{n}" {sql_type(s)}' for n, s in shape.items()) + ")"


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def digest(kind: EventType) -> str:
    """Changes when what a segment holds of an event would change."""
    said = json.dumps([kind.topic, payload(kind)]).encode()
    return hashlib.sha256(said).hexdigest()[:16]


def structs() -> dict[str, EventType]:
    """The struct columns there are, each with its event. An event without fields has none."""
    return {column(k.name): k for k in CATALOGUE.values() if payload(k)}


def decoded(topics: set[str]) -> str:
    """The select list that turns rows of the log, as copied, into typed columns.

    ``topics`` are those that occur; other events get no column.
    """
    said = [
        f"CASE WHEN topic = {literal(kind.topic)} "
        f"THEN from_json(state, {literal(json.dumps(payload(kind)))}) END AS {name}"
        for name, kind in structs().items()
        if kind.topic in topics
    ]
    computed = {
        "name": "split_part(topic, '/', 1)",
        "type_version": "CAST(split_part(topic, '/', 2) AS INTEGER)",
        "noun": "split_part(topic, '.', 1)",
        "subjects": "CAST(subjects AS UUID[])",
    }
    plain = [f"{computed[c]} AS {c}" if c in computed else c for c in ENVELOPE]
    return ", ".join([*plain, *said])

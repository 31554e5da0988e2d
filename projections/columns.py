"""Rows of views as columns of tables, and back, without loss."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.types.json import Jsonb

SCHEMA = "views"
"""Where views, their tables and their registry live."""

JSON = "jsonb"
_TYPES: dict[Any, str] = {
    UUID: "uuid",
    str: "text",
    int: "int8",
    bool: "bool",
    Decimal: "numeric",
    float: "float8",
    date: "date",
    datetime: "timestamptz",
}
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_encode = msgspec.json.Encoder().encode


class Column(msgspec.Struct, frozen=True):
    """A field of a row as its table keeps it."""

    name: str
    type: str
    """In SQL."""
    nullable: bool
    hint: Any
    """In Python, without None."""

    @property
    def is_list(self) -> bool:
        """Whether it holds a JSON list."""
        return self.type == JSON and get_origin(self.hint) in (tuple, list, set, frozenset)


class Columns:
    """How rows of one type are kept in a table.

    All values come back equal to what they were, save for one that PostgreSQL cannot hold: the
    character NUL in a text, which is replaced by U+FFFD.
    """

    def __init__(self, row: type[msgspec.Struct]) -> None:
        """Raises:
        TypeError: a field has no column type.
        """
        hints = get_type_hints(row)
        self._row = row
        self.all = tuple(_column(name, hints[name]) for name in row.__struct_fields__)
        self.by_name = {column.name: column for column in self.all}
        self.names = tuple(self.by_name)
        self.types = tuple(column.type for column in self.all)
        self._texts = [i for i, column in enumerate(self.all) if column.type == "text"]
        self._jsons = [
            (i, msgspec.json.Decoder(column.hint).decode)
            for i, column in enumerate(self.all)
            if column.type == JSON
        ]
        self.fit_json = "float8" not in self.types
        """Whether rows can go to SQL as JSON, which has no word for an infinite number."""
        self.selected = sql.SQL(", ").join(_selected(column) for column in self.all)
        """The select list that ``row`` expects."""

    def values(self, row: msgspec.Struct) -> list[Any]:
        """A row's values as parameters of SQL, in the order of the columns."""
        values = list(msgspec.structs.astuple(row))
        for i in self._texts:
            if values[i] is not None and "\0" in values[i]:
                values[i] = values[i].replace("\0", "\ufffd")
        for i, _ in self._jsons:
            if values[i] is not None:
                values[i] = as_json(values[i])
        return values

    def row(self, values: Sequence[Any]) -> Any:
        """The row behind values that were read with ``selected``."""
        fields = dict(zip(self.names, values, strict=True))
        for i, decode in self._jsons:
            if values[i] is not None:
                fields[self.names[i]] = decode(values[i])
        return self._row(**fields)


@cache
def columns_of(row: type[msgspec.Struct]) -> Columns:
    """The columns of a row type.

    Raises:
        TypeError: a field has no column type.
    """
    return Columns(row)


def as_json(value: Any) -> Jsonb:
    """A value as a parameter of type JSON."""
    return Jsonb(value, dumps=json_bytes)


def _column(name: str, hint: Any) -> Column:
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [part for part in parts if part is not NoneType]
    kind = kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007 -- made at run time
    return Column(name, _type(name, kind), len(kinds) < len(parts), kind)


def _type(name: str, kind: Any) -> str:
    if kind in _TYPES:
        return _TYPES[kind]
    origin = get_origin(kind)
    if origin is Literal:
        return _type(name, type(get_args(kind)[0]))
    if origin in (tuple, list, set, frozenset, dict):
        return JSON
    if isinstance(kind, type) and issubclass(kind, (tuple, list, dict, msgspec.Struct)):
        return JSON
    raise TypeError(f"the field {name!r} is a {kind}, which has no column type")


def _selected(column: Column) -> sql.Composable:
    # JSON is read as text, so that msgspec decodes it once, straight into the declared type.
    name = sql.Identifier(column.name)
    return sql.SQL("{}::text").format(name) if column.type == JSON else name


def json_bytes(value: Any) -> bytes:
    """A value, or rows, as JSON that PostgreSQL takes."""
    encoded = _encode(value)
    if rb"\u0000" in encoded:
        return _NUL.sub(r"\1\\ufffd", encoded.decode()).encode()
    return encoded

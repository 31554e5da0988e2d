"""The part of an address after the question mark, as typed values of a view's fields."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, get_args

import msgspec

from api.http.problems import Problem
from projections.columns import JSON, Column, columns_of
from projections.kit import View

TEXT_MAX = 1_000
"""Characters of one value."""


class Filters:
    """Knows which fields of a view can be asked about, and reads their values."""

    def __init__(self, view: View[Any]) -> None:
        columns = columns_of(view.row).all
        self.fields = {it.name: it for it in columns if it.is_list or it.type != JSON}
        self._sortable = {it.name: it for it in columns if it.type != JSON}
        self.default_order = "-changed_at" if "changed_at" in self._sortable else view.key[0]
        self._key = view.key

    def where(self, asked: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Equality filters; an empty value asks for records where the field is not set.

        Raises:
            Problem: there is no such field, or the value is not of its type.
        """
        return {name: self._value(name, text) for name, text in asked}

    def order(self, asked: str) -> Order:
        """Fields to sort by, each with a minus where it descends.

        Raises:
            Problem: there is no such field.
        """
        fields = {n.strip().lstrip("-"): n.strip().startswith("-") for n in asked.split(",")}
        for name in fields:
            _known(self._sortable, name, "order")
        fields |= {name: False for name in self._key if name not in fields}
        return Order([(self._sortable[name], descends) for name, descends in fields.items()])

    def _value(self, name: str, text: str) -> Any:
        column = _known(self.fields, name, name)
        if not text:
            return None
        if len(text) > TEXT_MAX or "\0" in text:
            raise Problem(422, "Invalid", "The value cannot be looked for.", field=name)
        kind = get_args(column.hint)[0] if column.is_list else column.hint
        try:
            return msgspec.convert(text, kind, strict=False)
        except (msgspec.ValidationError, ValueError) as bad:
            raise Problem(422, "Invalid", f"{name}: {bad}.", field=name) from None


class Order:
    """Fields that rows are sorted by, of which the key is always part; unset values come last."""

    def __init__(self, terms: list[tuple[Column, bool]]) -> None:
        self._terms = terms

    @property
    def sql(self) -> str:
        """As ``questions.select`` takes it."""
        return ", ".join(f"{column.name}{' DESC' * descends}" for column, descends in self._terms)

    def cursor(self, row: msgspec.Struct) -> str:
        """The ``next`` of a page that ends with this row."""
        values = [getattr(row, column.name) for column, _ in self._terms]
        return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode()

    def behind(self, cursor: str) -> tuple[Any, ...]:
        """The values of the row that a cursor was made from.

        Raises:
            Problem: the text did not come with an earlier page of the same order.
        """
        try:
            values = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=list[Any])
            return tuple(
                None if value is None else msgspec.convert(value, column.hint, strict=False)
                for value, (column, _) in zip(values, self._terms, strict=True)
            )
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            raise Problem(
                422, "Invalid", "This is not the `next` of an earlier page.", field="after"
            ) from None

    def sort(self, rows: Iterable[Any]) -> list[Any]:
        """Rows in this order."""
        found = list(rows)
        for column, descends in reversed(self._terms):
            said = [row for row in found if getattr(row, column.name) is not None]
            unsaid = [row for row in found if getattr(row, column.name) is None]
            said.sort(key=attrgetter(column.name), reverse=descends)
            found = said + unsaid
        return found

    def after(self, rows: Sequence[Any], behind: tuple[Any, ...]) -> Sequence[Any]:
        """Of sorted rows those that come behind a place."""
        names = [column.name for column, _ in self._terms]
        for place, row in enumerate(rows):
            if tuple(getattr(row, name) for name in names) == behind:
                return rows[place + 1 :]
        return []


def fits(row: Any, where: Mapping[str, Any]) -> bool:
    """Whether a row is as the filters say."""
    for name, value in where.items():
        held = getattr(row, name)
        if held != value and not (isinstance(held, tuple | list) and value in held):
            return False
    return True


def _known(fields: Mapping[str, Column], name: str, at: str) -> Column:
    if name not in fields:
        there = ", ".join(fields)
        raise Problem(422, "Invalid", f"There is no field {name!r}. There are: {there}.", field=at)
    return fields[name]

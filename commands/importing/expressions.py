"""Where the value of a command's field comes from, as a function of a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from commands.importing.columns import Columns, Text, Values, names_in
from commands.importing.document import Document, Loc
from commands.importing.errors import BadRow
from commands.importing.ids import SEPARATOR, as_text
from commands.importing.language import Constant, Nested, NewId, Reference, Template
from domain.kernel import AGGREGATES

Exists = Callable[[str, UUID], bool]
"""Whether there is a record of that kind with that id."""
Get = Callable[[Values, Exists], Any]
"""The value of a field in a row; None where the row says nothing.

Raises:
    BadRow: a record that it refers to is not there.
"""


class Expressions:
    """Compiles the values of one step's fields, and notes the ids that they name."""

    def __init__(self, source: str, columns: Columns, document: Document) -> None:
        self._source, self._columns, self._document = source, columns, document
        self.ids: list[int] = []
        """Where the ids of the records that a row names stand, to be read ahead."""

    def value(self, value: Any, loc: Loc) -> Get:
        """A field's value.

        Raises:
            BadMap: it asks for what there is not.
        """
        match value:
            case str():
                place = self._columns.place(value, loc)
                return lambda values, _: values[place]
            case Constant():
                constant = value.value
                return lambda *_: constant
            case Template():
                text = self._template(value.text, loc)
                return lambda values, _: text(values) or None
            case Reference():
                return self._reference(value, loc)
            case Nested():
                parts = {n: self.value(v, (*loc, "fields", n)) for n, v in value.fields.items()}
                return _nested(parts)
            case list():
                return _list([self.value(v, (*loc, n)) for n, v in enumerate(value)])
            case _:
                raise self._document.bad(loc, "{id: …} belongs to a field of the command itself")

    def id(self, noun: str, key: Any, loc: Loc, source: str | None = None) -> int:
        """Where the id of a record stands in a row, by its key."""
        text = self.key(key, loc)
        place = self._columns.id_place(source or self._source, noun, repr(key), text)
        self.ids.append(place)
        return place

    def key(self, key: Any, loc: Loc) -> Text:
        """A key as one text, empty where all of its parts are."""
        if not isinstance(key, list):
            return self._key_part(key, loc)
        parts = [self._key_part(part, (*loc, n)) for n, part in enumerate(key)]

        def text(values: Values) -> str:
            said = [part(values) for part in parts]
            return SEPARATOR.join(said) if any(said) else ""

        return text

    def _key_part(self, part: Any, loc: Loc) -> Text:
        match part:
            case str():
                place = self._columns.place(part, loc)
                return lambda values: as_text(values[place])
            case Constant():
                text = as_text(part.value)
                return lambda _: text
            case Template():
                return self._template(part.text, loc)
            case _:
                raise self._document.bad(loc, "a key is made of columns, {value: …}, {text: …}")

    def _reference(self, value: Reference, loc: Loc) -> Get:
        noun = value.ref
        if noun not in AGGREGATES:
            known = ", ".join(sorted(AGGREGATES))
            raise self._document.bad(loc, f"there are no records “{noun}”. There are: {known}")
        place, text = self.id(noun, value.key, loc, value.source), self.key(value.key, loc)
        refuse, column = value.if_missing == "refuse", column_of(value)

        def get(values: Values, exists: Exists) -> UUID | None:
            found: UUID | None = values[place]
            if found is None or exists(noun, found):
                return found
            if refuse:
                raise BadRow(_missing(noun, text(values)), column)
            return None

        return get

    def _template(self, text: str, loc: Loc) -> Text:
        places = [self._columns.place(name, loc) for name in names_in(text)]
        if not places:
            raise self._document.bad(loc, "a {text: …} names columns in braces; use {value: …}")
        form = re.sub(r"\{[^{}]*\}", "%s", text.replace("%", "%%"))

        def fill(values: Values) -> str:
            cells = tuple(as_text(values[place]) for place in places)
            return " ".join((form % cells).split()) if any(cells) else ""

        return fill


def column_of(value: Any) -> str | None:
    """The first column that a value comes from: the one that errors name."""
    match value:
        case str():
            return value
        case Template():
            return next(iter(names_in(value.text)), None)
        case Reference():
            return column_of(value.key)
        case NewId():
            return column_of(value.id)
        case Nested():
            return column_of(list(value.fields.values()))
        case list():
            return next((found for found in map(column_of, value) if found), None)
        case _:
            return None


def shown_key(key: str) -> str:
    """A key for people."""
    return key.replace(SEPARATOR, ", ")


def _missing(noun: str, key: str) -> str:
    return f"there is no {noun} “{shown_key(key)}”, neither in this import nor in the store"


def _nested(parts: dict[str, Get]) -> Get:
    def get(values: Values, exists: Exists) -> dict[str, Any] | None:
        said = {name: part(values, exists) for name, part in parts.items()}
        return {n: value for n, value in said.items() if value is not None} or None

    return get


def _list(items: list[Get]) -> Get:
    def get(values: Values, exists: Exists) -> list[Any] | None:
        said = [item(values, exists) for item in items]
        return [value for value in said if value is not None] or None

    return get

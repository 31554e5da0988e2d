"""The columns that a map uses, and a row's cells as their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from operator import itemgetter
from typing import Any

from commands.importing.document import Document, Loc
from commands.importing.errors import BadFile, BadRow
from commands.importing.ids import record_id
from commands.importing.language import Column, Table
from commands.importing.reading import Row, Source
from commands.importing.values import Read, cell_reader, typed_reader

FILE, LINE = "$file", "$line"
"""Columns that every row has: the name of its file and its line in it."""

Values = Sequence[Any]
"""File name and line, and then the values of the columns that the map uses and the ids of the
records that it names, in the order in which the map speaks of them."""
ReadRow = Callable[[Row], Values]
Text = Callable[[Values], str]
"""A text made of a row's values."""
_Cell = tuple[str, int, Callable[[list[str]], str], Read]
"""A column's name, its place among the values, how it is found in the row, how it is read."""
_Id = tuple[int, str, str, Text]
"""The place of an id among the values, and what it is made of: source, noun, key."""


class Columns:
    """The columns of one table that the map uses, each with its place among a row's values."""

    def __init__(self, table: Table, document: Document, loc: Loc, zone: str) -> None:
        self.zone = table.zone or zone
        self._table, self._document, self._loc = table, document, loc
        self._places = {FILE: 0, LINE: 1}
        self._ids: dict[str, _Id] = {}
        self._used_at: dict[str, int] = {}
        for name in table.columns:
            self.place(name, (*loc, "columns", name))

    def place(self, name: str, loc: Loc) -> int:
        """Where the column's value stands in a row; ``loc`` is where the map names it."""
        self._used_at.setdefault(name, self._document.line(loc))
        return self._places.setdefault(name, self._size)

    def id_place(self, source: str, noun: str, key: str, text: Text) -> int:
        """Where a record's id stands in a row, for a key that is spelt so in the map. None
        stands there if all of the key is empty."""
        name = f"{source} {noun} {key}"
        known = self._ids.setdefault(name, (self._size, source, noun, text))
        return known[0]

    @property
    def _size(self) -> int:
        return len(self._places) + len(self._ids)

    def column(self, name: str) -> Column:
        """What the map says of a column; one that it only names is text."""
        return self._table.columns.get(name) or Column.model_validate({})

    def typed(self, name: str) -> Read:
        """How a text of the map is read as a value of the column."""
        return typed_reader(self.column(name), self.zone)

    def row_reader(self, source: Source) -> ReadRow:
        """How the rows of one file are read.

        Raises:
            BadFile: the file lacks a column.
            BadMap: a default is no value of its column.
        """
        header = source.header()
        plan: list[_Cell] = [
            (name, place, self._cells(name, header, source), self._reader(name))
            for name, place in list(self._places.items())[2:]
        ]
        return _row_reader(source.name, len(header.cells), plan, list(self._ids.values()))

    def _reader(self, name: str) -> Read:
        try:
            return cell_reader(self.column(name), self.zone)
        except ValueError as bad:
            loc = (*self._loc, "columns", name, "default")
            raise self._document.bad(loc, f"the default of “{name}”: {bad}") from bad

    def _cells(self, name: str, header: Row, source: Source) -> Callable[[list[str]], str]:
        column = self.column(name)
        wanted = column.header or [name]
        if column.default is not None and any(h not in header.cells for h in wanted):
            return lambda _: ""
        places = [self._index(h, name, header, source) for h in wanted]
        if len(places) == 1:
            return itemgetter(places[0])
        return lambda cells: " ".join(cells[place] for place in places)

    def _index(self, wanted: str, name: str, header: Row, source: Source) -> int:
        line, names = header.line, header.cells
        found = names.count(wanted)
        if found == 1:
            return names.index(wanted)
        if found:
            raise BadFile(source.name, f"{found} columns have this name", line=line, column=wanted)
        _check_separator(source, header, len(self._places) - 2)
        raise BadFile(
            source.name,
            f"the file has no such column, which line {self._used_at[name]} of the map uses"
            f"{_suggestion(wanted, names)}",
            line=line,
            column=wanted,
        )


def _suggestion(wanted: str, header: list[str]) -> str:
    alike = {h.casefold(): h for h in header}
    close = get_close_matches(wanted.casefold(), list(alike), 1)
    if close:
        return f"; did you mean “{alike[close[0]]}”?"
    return f". It has: {', '.join(header)}"


def _check_separator(source: Source, header: Row, used: int) -> None:
    """Raises BadFile if the header looks like one that another character separates."""
    line, names = header.line, header.cells
    if len(names) != 1 or used < 2:
        return
    counts = {mark: names[0].count(mark) for mark in ",;\t|"}
    mark = max(counts, key=lambda m: counts[m])
    if counts[mark]:
        shown = "tab" if mark == "\t" else mark
        raise BadFile(
            source.name,
            f"with the separator “{source.table.separator}” there is one column; the line looks "
            f"as if it were separated by “{shown}” ({counts[mark]} of them). "
            f'If it is, say “separator: "{shown}"” in the map',
            line=line,
        )


def _row_reader(file: str, width: int, plan: list[_Cell], ids: list[_Id]) -> ReadRow:
    blank: list[Any] = [None] * (2 + len(plan) + len(ids))

    def read_row(row: Row) -> Values:
        cells = row.cells
        if len(cells) != width:
            raise BadRow(_width(cells, width))
        values = blank.copy()
        values[0], values[1] = file, row.line
        name = ""
        try:
            for name, place, cell_of, read in plan:  # noqa: B007  # the error speaks of it
                values[place] = read(cell_of(cells))
        except ValueError as bad:
            raise BadRow(str(bad), name) from None
        for place, source, noun, text in ids:
            key = text(values)
            if key:
                values[place] = record_id(source, noun, key)
        return values

    return read_row


def _width(cells: list[str], width: int) -> str:
    fewer = "fewer" if len(cells) < width else "more"
    return f"the row has {len(cells)} cells, {fewer} than the {width} columns"


def names_in(template: str) -> list[str]:
    """The columns that a template names in braces."""
    return re.findall(r"\{([^{}]*)\}", template)

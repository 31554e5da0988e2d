"""The columns that a map uses, and a row's cells as their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from commands.importing.document import Document, Loc
from commands.importing.errors import BadFile, BadRow
from commands.importing.language import Column, Table
from commands.importing.reading import Row, Source
from commands.importing.values import Read, cell_reader, typed_reader

FILE, LINE = "$file", "$line"
"""Columns that every row has: the name of its file and its line in it."""

Values = Sequence[Any]
"""File name and line, and then the values of the columns that the map uses."""
ReadRow = Callable[[Row], Values]


class Columns:
    """The columns of one table that the map uses, each with its place among a row's values."""

    def __init__(self, table: Table, document: Document, loc: Loc, zone: str) -> None:
        self.zone = table.zone or zone
        self._table, self._document, self._loc = table, document, loc
        self._places = {FILE: 0, LINE: 1}
        self._used_at: dict[str, int] = {}
        for name in table.columns:
            self.place(name, (*loc, "columns", name))

    def place(self, name: str, loc: Loc) -> int:
        """Where the column's value stands in a row; ``loc`` is where the map names it."""
        self._used_at.setdefault(name, self._document.line(loc))
        return self._places.setdefault(name, len(self._places))

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
        plan = [
            (name, self._cells(name, header, source), self._reader(name))
            for name in list(self._places)[2:]
        ]
        return _row_reader(source.name, len(header), plan)

    def _reader(self, name: str) -> Read:
        try:
            return cell_reader(self.column(name), self.zone)
        except ValueError as bad:
            loc = (*self._loc, "columns", name, "default")
            raise self._document.bad(loc, f"the default of “{name}”: {bad}") from bad

    def _cells(self, name: str, header: list[str], source: Source) -> Callable[[list[str]], str]:
        column = self.column(name)
        wanted = column.header or [name]
        if column.default is not None and any(h not in header for h in wanted):
            return lambda _: ""
        places = [self._index(h, name, header, source) for h in wanted]
        if len(places) == 1:
            only = places[0]
            return lambda cells: cells[only]
        return lambda cells: " ".join(cells[place] for place in places)

    def _index(self, wanted: str, name: str, header: list[str], source: Source) -> int:
        found = header.count(wanted)
        if found == 1:
            return header.index(wanted)
        line = source.header_line()
        if found:
            raise BadFile(source.name, f"{found} columns have this name", line=line, column=wanted)
        _check_separator(source, header, line, len(self._places) - 2)
        raise BadFile(
            source.name,
            f"the file has no such column, which line {self._used_at[name]} of the map uses"
            f"{_suggestion(wanted, header)}",
            line=line,
            column=wanted,
        )


def _suggestion(wanted: str, header: list[str]) -> str:
    alike = {h.casefold(): h for h in header}
    close = get_close_matches(wanted.casefold(), list(alike), 1)
    if close:
        return f"; did you mean “{alike[close[0]]}”?"
    return f". It has: {', '.join(header)}"


def _check_separator(source: Source, header: list[str], line: int, used: int) -> None:
    """Raises BadFile if the header looks like one that another character separates."""
    if len(header) != 1 or used < 2:
        return
    counts = {mark: header[0].count(mark) for mark in ",;\t|"}
    mark = max(counts, key=lambda m: counts[m])
    if counts[mark]:
        shown = "tab" if mark == "\t" else mark
        raise BadFile(
            source.name,
            f"with the separator “{source.table.separator}” there is one column; the line looks "
            f"as if it were separated by “{shown}” ({counts[mark]} of them). "
            f"If so, say “separator: '{shown}'” in the map",
            line=line,
        )


def _row_reader(
    file: str, width: int, plan: list[tuple[str, Callable[[list[str]], str], Read]]
) -> ReadRow:
    steps = [(cells_of, read) for _, cells_of, read in plan]
    names = [name for name, _, _ in plan]

    def read_row(row: Row) -> Values:
        line, cells = row
        if len(cells) != width:
            raise BadRow(_width(cells, width))
        values: list[Any] = [file, line]
        try:
            values.extend([read(cells_of(cells)) for cells_of, read in steps])
        except ValueError:
            raise _first_bad(cells, names, steps) from None
        return values

    return read_row


def _width(cells: list[str], width: int) -> str:
    fewer = "fewer" if len(cells) < width else "more"
    return f"the row has {len(cells)} cells, {fewer} than the {width} columns"


def _first_bad(
    cells: list[str], names: list[str], steps: list[tuple[Callable[[list[str]], str], Read]]
) -> BadRow:
    for name, (cells_of, read) in zip(names, steps, strict=True):
        try:
            read(cells_of(cells))
        except ValueError as bad:
            return BadRow(str(bad), name)
    raise AssertionError("unreachable")


def names_in(template: str) -> list[str]:
    """The columns that a template names in braces."""
    return re.findall(r"\{([^{}]*)\}", template)

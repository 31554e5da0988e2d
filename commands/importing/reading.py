"""From the bytes of a file to rows of cells, in one pass and in bounded memory."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from commands.importing.errors import BadFile
from commands.importing.language import Table

BLOCK_BYTES = 1 << 18
LINE_CHARS_MAX = 1_000_000
"""The longest line of a file."""
CELL_CHARS_MAX = 131_072
"""The longest cell; the csv module's own limit."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Row(msgspec.Struct, frozen=True):
    """The cells of one row and the line that it begins in."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was given, under the table of the map that it belongs to."""

    path: Path
    table: Table

    @property
    def name(self) -> str:
        """As errors and events name it."""
        return self.path.name

    def rows(self) -> Iterator[Row]:
        """The rows after the header.

        Raises:
            BadFile: it is no text, or no table of that form.
        """
        lines = _Lines(self)
        if self.table.header:
            next(_records(lines, self), None)
        yield from _records(lines, self)

    def header(self) -> Row:
        """The names of the columns, from the file or from the map, with the first line.

        Raises:
            BadFile: the file is empty or cannot be read.
        """
        first = next(_records(_Lines(self), self), None)
        if first is None:
            raise BadFile(self.name, "the file is empty")
        if self.table.names:
            return Row(first.line, self.table.names)
        return Row(first.line, [cell.strip() for cell in first.cells])

    def digest(self) -> bytes:
        """SHA-256 of the content."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()


class _Lines:
    """The lines of a file as the csv module wants them, counted, with their line ends."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines = _numbered(source)
        self.first = 0
        """The line that the record at hand began in; 0 between two records."""
        self.last = 0
        self.opening = ""
        """The text of that first line."""

    def __iter__(self) -> Iterator[str]:
        table = self._source.table
        for number, line in self._lines:
            if not self.first:
                if _passed_over(line, number, table):
                    continue
                self.first, self.opening = number, line
            self.last = number
            yield line


def _passed_over(line: str, number: int, table: Table) -> bool:
    if number <= table.skip or not line or line.isspace():
        return True
    return bool(table.comment) and line.startswith(table.comment)


def _records(lines: _Lines, source: Source) -> Iterator[Row]:
    if source.table.separator == "whitespace":
        split: Iterator[list[str]] = (line.split() for line in lines)
    else:
        split = _by_separator(lines, source)
    for cells in split:
        first, lines.first = lines.first, 0
        yield Row(first, cells)


def _by_separator(lines: _Lines, source: Source) -> Iterator[list[str]]:
    table = source.table
    reader = csv.reader(
        lines,
        delimiter=_separator(table),
        quotechar=table.quote or None,
        quoting=csv.QUOTE_MINIMAL if table.quote else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        yield from reader
    except csv.Error as bad:
        raise _unreadable(source, lines, str(bad)) from bad


def _unreadable(source: Source, lines: _Lines, why: str) -> BadFile:
    line = lines.first or 1
    if "new-line" in why:
        message = "a line ends with a bare carriage return; save the file with line feeds"
        return BadFile(source.name, message, line=line)
    quote = source.table.quote
    if "unexpected end" in why:
        message = f"a quote ({quote}) is opened here and never closed"
    elif "limit" in why:
        message = (
            f"the cell is longer than {CELL_CHARS_MAX:,} characters; is a quote ({quote}) opened "
            "here and never closed?"
        )
    else:
        message = f"the quotes of this row cannot be followed: {why}"
    return BadFile(source.name, message, line=line, column=_column_at(source, line, lines.opening))


def _column_at(source: Source, line: int, text: str) -> str | None:
    """The column of the cell in which a text breaks off that begins the row of that line."""
    header = _first_row(source)
    names = header.cells
    if source.table.names:
        names = source.table.names
    elif line <= header.line:
        return None
    begun = len(_split(source.table, text[:CELL_CHARS_MAX]))
    return names[begun - 1].strip() if 0 < begun <= len(names) else None


def _first_row(source: Source) -> Row:
    """The first row of a file that may not be readable any further."""
    with source.path.open("rb") as file:
        text = file.read(BLOCK_BYTES).decode(_encoding(source, file), "replace")
    for number, line in enumerate(text.split("\n"), start=1):
        if not _passed_over(line, number, source.table):
            return Row(number, _split(source.table, line[:CELL_CHARS_MAX]))
    return Row(0, [])


def _split(table: Table, line: str) -> list[str]:
    if table.separator == "whitespace":
        return line.split()
    return next(csv.reader([line.replace("\r", " ")], delimiter=_separator(table)), [])


def _separator(table: Table) -> str:
    return "\t" if table.separator == "tab" else table.separator


def _numbered(source: Source) -> Iterator[tuple[int, str]]:
    number = 0
    rest = ""
    for text in _texts(source):
        parts = (rest + text).split("\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            _check_line(source, number, part)
            yield number, part + "\n"
        _check_line(source, number + 1, rest)
    if rest:
        yield number + 1, rest


def _check_line(source: Source, number: int, line: str) -> None:
    zero = line.find("\0")
    if zero >= 0:
        raise BadFile(
            source.name,
            "there is a zero byte, so this is no text file of rows; save a spreadsheet as CSV, "
            "or name the encoding of the text in the map",
            line=number,
            column=_column_at(source, number, line[:zero]),
        )
    if len(line) > LINE_CHARS_MAX:
        raise BadFile(
            source.name,
            f"the line is longer than {LINE_CHARS_MAX:,} characters, so this is hardly a file "
            "of rows",
            line=number,
            column=_column_at(source, number, line),
        )


def _texts(source: Source) -> Iterator[str]:
    """The file decoded block by block."""
    with source.path.open("rb") as file:
        decoder = codecs.getincrementaldecoder(_encoding(source, file))()
        lines, offset = 0, 0
        while True:
            block = file.read(BLOCK_BYTES)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as bad:
                raise _not_text(source, bad, lines, offset - held + bad.start) from bad
            yield text
            if not block:
                return
            lines += text.count("\n")
            offset += len(block)


def _encoding(source: Source, file: BinaryIO) -> str:
    """The one that the file itself names, or else the map."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    return next((e for bom, e in _BOMS if start.startswith(bom)), source.table.encoding)


def _not_text(source: Source, bad: UnicodeDecodeError, lines: int, offset: int) -> BadFile:
    before = bad.object[: bad.start].decode(bad.encoding, "replace")
    line = lines + before.count("\n") + 1
    return BadFile(
        source.name,
        f"byte {offset + 1:,} of the file (0x{bad.object[bad.start]:02x}) is no {bad.encoding} "
        "text; is it a text file? One from Windows or Excel may need "
        "“encoding: windows-1252” in the map",
        line=line,
        column=_column_at(source, line, before.rpartition("\n")[2]),
    )

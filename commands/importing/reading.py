"""From the bytes of a file to rows of cells, in one pass and in bounded memory."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

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


class Row(NamedTuple):
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

    def header(self) -> list[str]:
        """The names of the columns, from the file or from the map.

        Raises:
            BadFile: the file is empty or cannot be read.
        """
        if not self.table.header:
            return self.table.names
        first = next(_records(_Lines(self), self), None)
        if first is None:
            raise BadFile(self.name, "the file is empty")
        return [cell.strip() for cell in first.cells]

    def header_line(self) -> int:
        """The line that names the columns."""
        first = next(_records(_Lines(self), self), None)
        return first.line if first else 1

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
        yield Row(lines.first, cells)
        lines.first = 0


def _by_separator(lines: _Lines, source: Source) -> Iterator[list[str]]:
    table = source.table
    separator = "\t" if table.separator == "tab" else table.separator
    reader = csv.reader(
        lines,
        delimiter=separator,
        quotechar=table.quote or None,
        quoting=csv.QUOTE_MINIMAL if table.quote else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        yield from reader
    except csv.Error as bad:
        raise _unreadable(source, lines, str(bad)) from bad


def _unreadable(source: Source, lines: _Lines, why: str) -> BadFile:
    table = source.table
    if "unexpected end" in why or "limit" in why:
        message = f"a quote ({table.quote}) is opened in this row and never closed"
    elif "new-line" in why:
        message = "a line ends with a bare carriage return; save the file with line feeds"
    else:
        message = f"the quotes of this row cannot be followed: {why}"
    return BadFile(source.name, message, line=lines.first or 1, column=_open_cell(source, lines))


def _open_cell(source: Source, lines: _Lines) -> str | None:
    """The column of the last cell that the first line of the record begins."""
    separator = "\t" if source.table.separator == "tab" else source.table.separator
    begun = len(next(csv.reader([lines.opening], delimiter=separator), []))
    names = source.table.names or next(_plain_header(source, separator), [])
    return names[begun - 1] if 0 < begun <= len(names) else None


def _plain_header(source: Source, separator: str) -> Iterator[list[str]]:
    yield from csv.reader(iter(_Lines(source)), delimiter=separator)


def _numbered(source: Source) -> Iterator[tuple[int, str]]:
    number = 0
    rest = ""
    for text in _texts(source):
        parts = (rest + text).split("\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            if len(part) > LINE_CHARS_MAX:
                raise _too_long(source, number)
            yield number, part + "\n"
        if len(rest) > LINE_CHARS_MAX:
            raise _too_long(source, number + 1)
    if rest:
        yield number + 1, rest


def _too_long(source: Source, line: int) -> BadFile:
    return BadFile(
        source.name,
        f"the line is longer than {LINE_CHARS_MAX:,} characters; is this a file of rows?",
        line=line,
    )


def _texts(source: Source) -> Iterator[str]:
    """The file decoded block by block."""
    with source.path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        encoding = next((e for bom, e in _BOMS if start.startswith(bom)), source.table.encoding)
        decoder = codecs.getincrementaldecoder(encoding)()
        lines, offset = 0, 0
        while True:
            block = file.read(BLOCK_BYTES)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as bad:
                lines += bad.object[: bad.start].decode(encoding, "replace").count("\n")
                raise _not_text(source, encoding, lines + 1, offset - held + bad.start) from bad
            if "\0" in text:
                raise _binary(source, lines + text[: text.index("\0")].count("\n") + 1)
            yield text
            if not block:
                return
            lines += text.count("\n")
            offset += len(block)


def _not_text(source: Source, encoding: str, line: int, offset: int) -> BadFile:
    with source.path.open("rb") as file:
        file.seek(offset)
        byte = file.read(1)
    return BadFile(
        source.name,
        f"byte {offset + 1:,} of the file (0x{byte.hex()}) is no {encoding} text; is it a text "
        "file? One from Windows or Excel may need “encoding: windows-1252” in the map",
        line=line,
    )


def _binary(source: Source, line: int) -> BadFile:
    return BadFile(
        source.name,
        "there is a zero byte, so this is no text file of rows; save a spreadsheet as CSV, and "
        "name the encoding of a text file in the map if it is not UTF-8",
        line=line,
    )

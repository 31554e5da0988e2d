"""Rows as people and programs want them: a table, CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = ("table", "csv", "json", "parquet")
CELL_MAX = 60
"""Characters of a table's cell; the other formats cut nothing."""

F = TypeVar("F", bound=Callable[..., Any])
Rows = Sequence[Sequence[Any]]


def rows_options(command: F) -> F:
    """Adds ``--format`` and ``-o``; the command takes the arguments ``form`` and ``output``."""
    output = click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write to this file (Parquet needs one).",
    )
    form = click.option("--format", "form", type=click.Choice(FORMATS), default="table")
    return form(output(command))


def show(columns: Sequence[str], rows: Rows, form: str, output: Path | None) -> None:
    """Writes rows in a format, to a file or to standard output."""
    if form == "parquet":
        if output is None:
            raise click.UsageError("--format parquet needs -o FILE.")
        _parquet(columns, rows, output)
        return
    write = {"table": _table, "csv": _csv, "json": _json}[form]
    with _target(output) as out:
        write(columns, rows, out)


def show_records(records: Sequence[Mapping[str, Any]], form: str, output: Path | None) -> None:
    """The same for rows as mappings; a column for every name that one of them has."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    show(columns, [[record.get(name) for name in columns] for record in records], form, output)


@contextmanager
def _target(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8", newline="") as out:
        yield out


def _table(columns: Sequence[str], rows: Rows, out: IO[str]) -> None:
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[n]) for row in cells)]) for n, name in enumerate(columns)]
    right = [_is_numeric(row[n] for row in rows) for n in range(len(columns))]
    for line in (list(columns), ["─" * width for width in widths], *cells):
        padded = (
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        )
        out.write("  ".join(padded).rstrip() + "\n")


def _is_numeric(values: Any) -> bool:
    said = [value for value in values if value is not None]
    return bool(said) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in said
    )


def _cell(value: Any) -> str:
    text = _text(value).replace("\n", " ").replace("\r", " ")
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"


def _text(value: Any) -> str:
    """A value as one text: nested ones as JSON."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list | tuple | msgspec.Struct):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return str(value)


def _csv(columns: Sequence[str], rows: Rows, out: IO[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(value) for value in row] for row in rows)


def _json(columns: Sequence[str], rows: Rows, out: IO[str]) -> None:
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    encoded = msgspec.json.encode(records, enc_hook=str)
    out.write(msgspec.json.format(encoded, indent=2).decode() + "\n")


def _parquet(columns: Sequence[str], rows: Rows, output: Path) -> None:
    import duckdb  # takes a while to load, and only Parquet needs it

    kinds = {f"c{n}": _sql_type([row[n] for row in rows]) for n in range(len(columns))}
    names = ", ".join(
        f'{c} AS "{_doubled(name, chr(34))}"' for c, name in zip(kinds, columns, strict=True)
    )
    with TemporaryDirectory() as private, duckdb.connect() as database:
        spool = Path(private) / "rows.json"
        spool.write_bytes(b"".join(_line(kinds, row) for row in rows))
        source = "read_json($spool, format = 'newline_delimited', columns = $kinds)"
        target = _doubled(str(output), "'")
        database.execute(
            f"COPY (SELECT {names} FROM {source}) TO '{target}' (FORMAT parquet)",  # noqa: S608
            {"spool": str(spool), "kinds": kinds},
        )


def _line(kinds: Mapping[str, str], row: Sequence[Any]) -> bytes:
    """A row as one line of JSON; what has no type of its own is text."""
    values = {
        name: _text(value) if kind == "VARCHAR" and value is not None else value
        for (name, kind), value in zip(kinds.items(), row, strict=True)
    }
    return msgspec.json.encode(values, enc_hook=str) + b"\n"


def _doubled(text: str, mark: str) -> str:
    return text.replace(mark, mark * 2)


_SQL_TYPES: dict[type, str] = {
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE",
    Decimal: "DECIMAL(38, 6)",
    datetime: "TIMESTAMPTZ",
    date: "DATE",
    UUID: "UUID",
}


def _sql_type(values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    return _SQL_TYPES.get(kinds.pop(), "VARCHAR") if len(kinds) == 1 else "VARCHAR"

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import click
import duckdb
import pytest

from api.cli.output import CELL_MAX, show, show_records

COLUMNS = ("text", "count", "sum", "share", "on", "at", "id", "many", 'odd "name"', "mixed")
ROW = (
    "a “b”, c\nd",
    2**40,
    Decimal("12.50"),
    0.25,
    date(2026, 3, 3),
    datetime(2026, 3, 3, 14, 2, tzinfo=UTC),
    UUID(int=7),
    (1, 2),
    True,
    1,
)
NOTHING = (None,) * 9 + ("x",)


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    show(("name", "n"), [("one", 1), ("x" * 100, 1000), (None, None)], "table", None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("name")
    assert lines[2].endswith("     1")
    assert "…" in lines[3]
    assert max(len(line) for line in lines) == CELL_MAX + 2 + 4


def test_csv_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    show(COLUMNS, [ROW, NOTHING], "csv", file)
    with file.open(newline="") as lines:
        header, row, nothing = csv.reader(lines)
    assert header == list(COLUMNS)
    assert row[0] == ROW[0]
    assert row[1:4] == ["1099511627776", "12.50", "0.25"]
    assert row[7] == "[1,2]"
    assert nothing == [""] * 9 + ["x"]


def test_json_keeps_types(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    show(COLUMNS, [ROW, NOTHING], "json", file)
    row, nothing = json.loads(file.read_text())
    assert (row["count"], row["many"], row["sum"]) == (2**40, [1, 2], "12.50")
    assert nothing["text"] is None


def test_parquet_keeps_types_and_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rows' .parquet"
    show(COLUMNS, [ROW, NOTHING], "parquet", file)
    with duckdb.connect() as database:
        found = database.read_parquet(str(file))
        assert found.columns == list(COLUMNS)
        types = [str(kind) for kind in found.types]
        row, nothing = database.sql('SELECT * REPLACE (epoch("at") AS "at") FROM found').fetchall()
    assert types[1:7] == [
        "BIGINT",
        "DECIMAL(38,6)",
        "DOUBLE",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
        "UUID",
    ]
    assert row[0] == ROW[0]
    assert (row[1], row[2], row[4], row[6]) == (ROW[1], ROW[2], ROW[4], ROW[6])
    assert row[5] == datetime(2026, 3, 3, 14, 2, tzinfo=UTC).timestamp()
    assert (row[7], row[9], nothing) == ("[1,2]", "1", NOTHING)


def test_no_rows_are_a_table_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("table", "csv", "json"):
        show(("a", "b"), [], form, None)
    assert capsys.readouterr().out.splitlines()[0].split() == ["a", "b"]
    show(("a", "b"), [], "parquet", tmp_path / "none.parquet")
    with duckdb.connect() as database:
        assert database.read_parquet(str(tmp_path / "none.parquet")).columns == ["a", "b"]


def test_numbers_that_are_none(tmp_path: Path) -> None:
    show(("n",), [(math.nan,), (1.5,)], "json", tmp_path / "n.json")
    assert json.loads((tmp_path / "n.json").read_text()) == [{"n": None}, {"n": 1.5}]


def test_parquet_needs_a_file() -> None:
    with pytest.raises(click.UsageError, match="-o FILE"):
        show(("a",), [], "parquet", None)


def test_records_get_a_column_for_each_name(capsys: pytest.CaptureFixture[str]) -> None:
    show_records([{"a": 1}, {"a": 2, "b": 3}], "csv", None)
    assert capsys.readouterr().out == "a,b\n1,\n2,3\n"

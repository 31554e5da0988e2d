"""What is wrong with a question, in words, with line and column."""

from __future__ import annotations

import json

import duckdb


class BadQuery(Exception):
    """The SQL is wrong, or asks for more than reading."""

    def __init__(self, why: str, line: int | None = None, column: int | None = None) -> None:
        where = f"line {line}, column {column}: " if line else ""
        super().__init__(where + why)
        self.why, self.line, self.column = why, line, column


class QueryTooLong(Exception):
    """It ran for longer than it may."""


class QueryTooLarge(Exception):
    """It needs more memory than it may."""


def as_told(bad: duckdb.Error, sql: str, seconds: float) -> Exception:
    """DuckDB's error as one of ours."""
    if isinstance(bad, duckdb.InterruptException):
        return QueryTooLong(f"stopped after {seconds:g} seconds; ask for less")
    if isinstance(bad, duckdb.OutOfMemoryException):
        return QueryTooLarge("stopped: it needs more memory than a query may have; ask for less")
    _, _, said = str(bad).partition(": ")
    try:
        told = json.loads(said)
    except ValueError:
        return BadQuery(said or str(bad))
    why = str(told.get("exception_message", said))
    if "position" not in told:
        return BadQuery(why)
    return BadQuery(why, *_place(sql, int(told["position"])))


def _place(sql: str, position: int) -> tuple[int, int]:
    """Line and column, both from 1, of a place that is counted in bytes."""
    before = sql.encode()[:position].decode(errors="ignore")
    return before.count("\n") + 1, len(before) - before.rfind("\n")

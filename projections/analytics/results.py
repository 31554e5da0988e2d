"""What a question to the log is answered with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from domain.kernel import Cut


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer or of a relation."""

    name: str
    type: str
    """In DuckDB's words: ``DECIMAL(18,4)``."""
    unit: str | None = None
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Something that can be queried: a view over the facts."""

    name: str
    doc: str | None
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """How many rows a metric left out, and why."""

    why: str
    rows: int


@dataclass(frozen=True, slots=True)
class Result:
    """Rows with all that is needed to explain them. Moments are aware, in UTC."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    position: int
    """Of the newest event in the log that it reflects."""
    cut: Cut
    sql: str
    """The text that ran; ``$name`` stands for a setting."""
    seconds: float
    truncated: bool = False
    """Whether there were more rows than the limit."""
    name: str | None = None
    title: str | None = None
    definition: str | None = None
    source: str | None = None
    """Where the formula is from."""
    settings: dict[str, Any] = field(default_factory=dict)
    excluded: tuple[Excluded, ...] = ()

    @property
    def excluded_rows(self) -> int:
        """How many rows were left out, for all reasons together."""
        return sum(part.rows for part in self.excluded)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]

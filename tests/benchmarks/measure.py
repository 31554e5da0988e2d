"""What a benchmark says, and the place where it is taken."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from event_store.embedded import embedded_postgres
from event_store.schema import migrate

RUNS = 3
"""How often each figure is taken; the median is told."""
SMALLER_IS_BETTER = frozenset({"ms", "s", "MB", "cores"})


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure, with what it is compared to and what is promised."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    """How many times the figure of the other way, taken in the same run."""
    bar: float | None = None
    """What is promised: of the ratio where there is one, else of the value."""

    @property
    def holds(self) -> bool:
        """Whether the promise is kept; true where none was made."""
        if self.bar is None:
            return True
        if self.ratio is not None:
            return self.ratio >= self.bar
        if self.unit in SMALLER_IS_BETTER:
            return self.value <= self.bar
        return self.value >= self.bar

    def line(self) -> str:
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        bar = "-" if self.bar is None else f"{self.bar:g}"
        value = f"{self.value:.0f}" if self.value >= 100 else f"{self.value:.2f}"
        verdict = "ok" if self.holds else "SHORT"
        return f"{self.name} {value} {self.unit} ratio={ratio} bar={bar} {verdict}"


def median(take: Callable[[], float], runs: int = RUNS) -> float:
    """The figure in the middle of several runs."""
    return statistics.median(take() for _ in range(runs))


@contextmanager
def fresh_database() -> Iterator[str]:
    """The DSN of an empty, migrated database on a server of its own, as ``crm serve`` has it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_postgres(Path(folder) / "postgres") as dsn,
    ):
        migrate(dsn)
        yield dsn


def machine() -> str:
    """What the figures were taken on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    with fresh_database() as dsn, psycopg.connect(dsn) as conn:
        row = conn.execute("SHOW server_version").fetchone()
    return (
        f"{os.cpu_count()} cores, {pages * size / 2**30:.0f} GB, "
        f"Python {platform.python_version()}, PostgreSQL {row[0] if row else '?'}"
    )

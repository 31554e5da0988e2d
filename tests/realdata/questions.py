"""Questions to an imported data set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from domain.kernel import NOW, Cut
from event_store.archive import Archive
from projections.analytics.analyst import Analyst


def end_of(day: str) -> Cut:
    """The last moment of a day."""
    return Cut(at=datetime.combine(date.fromisoformat(day), time.max, UTC))


class Questions:
    def __init__(self, analyst: Analyst) -> None:
        self.analyst = analyst

    def rows(self, metric: str, cut: Cut = NOW, **settings: Any) -> list[dict[str, Any]]:
        return self.analyst.metric(metric, cut, settings).dicts()

    def row(self, metric: str, cut: Cut = NOW, **settings: Any) -> dict[str, Any]:
        (row,) = self.rows(metric, cut, **settings)
        return row

    def sql(self, sql: str, cut: Cut = NOW) -> list[tuple[Any, ...]]:
        return self.analyst.query(sql, cut).rows


@contextmanager
def questions(dsn: str, folder: Path) -> Iterator[Questions]:
    """Questions to the log of a database."""
    archive = Archive(dsn, folder)
    yield Questions(Analyst(archive.connect))
    archive.close()

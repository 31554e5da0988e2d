from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import projections  # noqa: F401  # fills the register
from event_store.archive import Archive
from event_store.postgres import PostgresEventStore
from projections.analytics.analyst import Analyst
from tests.projections.logbook import Logbook


@pytest.fixture
def analyst(database: str, tmp_path: Path) -> Iterator[Analyst]:
    """Questions to the log in the fresh database."""
    archive = Archive(database, tmp_path / "archive")
    yield Analyst(archive.connect)
    archive.close()


@pytest.fixture
def logbook(store: PostgresEventStore, analyst: Analyst) -> Logbook:
    """A log to be told, and questions to it."""
    return Logbook(store, analyst)

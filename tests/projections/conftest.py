from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import projections  # noqa: F401  # fills the register
from event_store.archive import Archive
from event_store.postgres import PostgresEventStore
from event_store.schema import migrate
from projections.analytics.analyst import Analyst
from tests.conftest import CLAIM_KEY, KEKS
from tests.projections.logbook import Logbook


@pytest.fixture
def analyst(database: str, tmp_path: Path) -> Iterator[Analyst]:
    """Questions to the log in the fresh database."""
    with closing(Archive(database, tmp_path / "archive")) as archive:
        yield Analyst(archive.connect)


@pytest.fixture
def logbook(store: PostgresEventStore, analyst: Analyst) -> Logbook:
    """A log to be told, and questions to it."""
    return Logbook(store, analyst)


@pytest.fixture(scope="module")
def one_contact(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analyst]:
    """Questions to a log that holds one contact and to which nothing is added."""
    name = f"asked_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        dsn = make_conninfo(server_dsn, dbname=name)
        migrate(dsn)
        folder = tmp_path_factory.mktemp("archive")
        with (
            closing(PostgresEventStore(dsn, claim_key=CLAIM_KEY, keks=KEKS)) as store,
            closing(Archive(dsn, folder)) as archive,
        ):
            analyst = Analyst(archive.connect)
            Logbook(store, analyst).contact("ada")
            yield analyst
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

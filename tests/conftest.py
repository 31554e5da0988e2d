"""What tests share: a real PostgreSQL, fresh databases on it, logs, and the real data sets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from event_store.embedded import embedded_postgres
from event_store.keks import GivenKeks
from event_store.memory import MemoryEventStore
from event_store.postgres import PostgresEventStore
from event_store.schema import migrate

CLAIM_KEY = b"a claim key for tests, 32 bytes."
KEKS = GivenKeks(b"a key that wraps keys, 32 bytes.".hex())


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """An embedded server, one for all parallel workers of a run. The DSN of its superuser."""
    # Not below pytest's own folder: each run closes that one anew to the server's user.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)
    folder = Path(tempfile.gettempdir()) / f"crm-test-{run}"
    with embedded_postgres(folder) as dsn:
        yield dsn
    if not (folder / "pgdata" / "postmaster.pid").exists():
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _free_databases() -> list[str]:
    """Empty databases on the server: to empty one is ten times faster than to make one."""
    return []


@pytest.fixture
def database(server_dsn: str, _free_databases: list[str]) -> Iterator[str]:
    """The DSN of a fresh, migrated database."""
    name = _free_databases.pop() if _free_databases else _make_database(server_dsn)
    dsn = make_conninfo(server_dsn, dbname=name)
    migrate(dsn)
    yield dsn
    _empty(dsn)
    _free_databases.append(name)


def _make_database(server_dsn: str) -> str:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    return name


def _empty(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        found = conn.execute(
            "SELECT nspname FROM pg_namespace"
            " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        )
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in found)
        conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(names))
        conn.execute("CREATE SCHEMA public")


@pytest.fixture
def store(database: str) -> Iterator[PostgresEventStore]:
    """The log in a fresh database."""
    store = PostgresEventStore(database, claim_key=CLAIM_KEY, keks=KEKS)
    yield store
    store.close()


@pytest.fixture
def memory_store() -> Iterator[MemoryEventStore]:
    """The log in memory."""
    store = MemoryEventStore()
    yield store
    store.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real data sets: ``$CRM_SHARED_DATA``, or beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("CRM_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the real data sets are not here; CRM_SHARED_DATA names their folder")
    return folder

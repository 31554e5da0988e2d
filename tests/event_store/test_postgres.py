"""What the log in PostgreSQL does with its connections, threads and the server behind them."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from domain.kernel import new_id
from event_store import committer, postgres
from event_store.embedded import embedded_postgres
from event_store.journal import CHANNEL
from event_store.postgres import PostgresEventStore
from event_store.schema import APP_ROLE, app_dsn, migrate
from event_store.store import Unavailable
from tests.conftest import KEKS
from tests.event_store.entries import entry, opened, renamed

GONE_SECONDS_MAX = 30


def test_close_leaves_no_thread_and_no_connection(database: str) -> None:
    before = set(threading.enumerate())
    store = PostgresEventStore(database, claim_key=bytes(32), keks=KEKS)
    store.append(entry(opened(new_id())))
    store.wait(0, timeout=5)
    store.page(0)
    store.close()
    assert set(threading.enumerate()) == before
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    until = time.monotonic() + GONE_SECONDS_MAX
    with psycopg.connect(database, autocommit=True) as conn:
        while conn.execute(others).fetchone() != (0,):  # the server notices a moment later
            assert time.monotonic() < until
            time.sleep(0.01)


def test_it_connects_when_it_is_first_used(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "TURN_SECONDS_MAX", 0.1)
    monkeypatch.setattr(postgres, "RETRY_SECONDS", (0.01,))
    monkeypatch.setattr(committer, "RETRY_SECONDS", (0.01,))
    nowhere = make_conninfo(database, host="/nowhere")
    store = PostgresEventStore(nowhere, claim_key=bytes(32), keks=KEKS)
    with pytest.raises(Unavailable):
        store.head()
    with pytest.raises(Unavailable, match="nothing was stored"):
        store.append(entry(opened(new_id())))
    store.close()


def test_it_works_as_the_programs_role(database: str) -> None:
    with psycopg.connect(make_conninfo(app_dsn(database))) as conn:
        assert conn.execute("SELECT current_user").fetchone() == (APP_ROLE,)
        assert conn.execute("SHOW timezone").fetchone() == ("UTC",)


def test_what_a_dsn_says_counts_more() -> None:
    dsn = app_dsn("postgresql://me@db.example/crm?connect_timeout=99&options=-c%20jit%3Don")
    assert "connect_timeout=99" in dsn
    assert "-c jit=on -c role=crm_app" in dsn


def test_a_stranger_on_the_channel_does_no_harm(store: PostgresEventStore, database: str) -> None:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database, autocommit=True) as conn:
        waiting = pool.submit(store.wait, 0, 20)
        conn.execute(f"NOTIFY {CHANNEL}, 'hello'".encode())
        store.append(entry(opened(new_id())))
        assert waiting.result() == 1


def test_it_goes_on_when_the_server_was_killed() -> None:
    stream = new_id()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "data"
        with embedded_postgres(folder) as dsn:
            migrate(dsn)
            store = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
            store.append(entry(opened(stream)))
            store.wait(0, timeout=5)
            pid = int((folder / "pgdata" / "postmaster.pid").read_text().split("\n")[0])
            os.kill(pid, signal.SIGKILL)
            with embedded_postgres(folder):
                with ThreadPoolExecutor(1) as pool:
                    waiting = pool.submit(store.wait, 1, 20)
                    store.append(entry(renamed(stream, 1, "after")))
                    assert waiting.result() == 2
                assert [it.version for it in store.read(stream)] == [1, 2]
                store.close()

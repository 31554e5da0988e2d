"""A log that is sealed, for the tests of seals: events, folders, keys."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import psycopg

from domain.kernel import new_id
from event_store.postgres import PostgresEventStore
from event_store.seals.checkpoints import Checkpoint, open_checkpoint
from event_store.seals.keys import LOG, WITNESS, SignerKey
from event_store.seals.sealer import Sealer
from event_store.seals.tile_store import TileFolder
from tests.event_store.entries import entry, opened, renamed

ORIGIN = "log.example/acme"
LOG_KEY = SignerKey(ORIGIN, LOG, bytes(range(32)))
WITNESS_KEY = SignerKey("witness.example/w1", WITNESS, bytes(range(32, 64)))
START_SECONDS_MAX = 20


def fill(store: PostgresEventStore, streams: int, events: int = 3) -> list[UUID]:
    """New streams with so many events each, interleaved."""
    made = [new_id() for _ in range(streams)]
    store.append_all([entry(opened(stream)) for stream in made])
    for version in range(1, events):
        store.append_all([entry(renamed(stream, version, f"{version}")) for stream in made])
    return made


def sealer(store: PostgresEventStore, dsn: str, folder: Path, **more: object) -> Sealer:
    return Sealer(store, dsn, folder, LOG_KEY, **more)  # type: ignore[arg-type]


def published(folder: Path) -> Checkpoint:
    """The newest checkpoint, believed by the log's key."""
    note = TileFolder(folder).checkpoint()
    assert note is not None
    return open_checkpoint(note, ORIGIN, [LOG_KEY.verifier]).checkpoint


def as_superuser(dsn: str, *statements: str) -> None:
    """Alters the log as only a superuser can: with its triggers off."""
    with psycopg.connect(dsn) as conn:
        conn.execute("ALTER TABLE log.events DISABLE TRIGGER ALL")
        for statement in statements:
            conn.execute(statement.encode())
        conn.execute("ALTER TABLE log.events ENABLE ALWAYS TRIGGER no_change")
        conn.execute("ALTER TABLE log.events ENABLE ALWAYS TRIGGER no_truncate")

"""The sealer: close behind the log, never against what it has signed before."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from domain.seals import SEALS, SealHeadsCommitted
from event_store.postgres import PostgresEventStore
from event_store.seals import stored
from event_store.seals.heads import HeadMap
from event_store.seals.keys import SignerKey
from event_store.seals.lines import to_base64
from event_store.seals.merkle import leaf_hash, root_of
from event_store.seals.reasons import (
    EventMissing,
    LogDiffers,
    LogShorter,
    RootDiffers,
    SealsMissing,
    Unsigned,
)
from event_store.seals.sealer import Sealer, seal_status
from event_store.seals.tile_store import TileFolder
from event_store.seals.tiles import TileTree
from tests.event_store.entries import entry, renamed
from tests.event_store.seals.sealed import (
    LOG_KEY,
    ORIGIN,
    START_SECONDS_MAX,
    as_superuser,
    fill,
    published,
    sealer,
)


def test_the_tree_is_of_the_stored_rows(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    streams = fill(store, 100)
    assert sealer(store, database, tmp_path).seal()
    head = published(tmp_path)
    assert head.size == 301 == store.head()

    chain: dict[object, bytes] = {}
    leaves = []
    with stored.connect(database) as conn:
        for row in stored.dense_rows(conn, 0, head.size):
            stream = row[stored.STREAM]
            chain[stream] = leaf_hash(stored.leaf_of(row, ORIGIN, chain.get(stream)))
            leaves.append(chain[stream])
        tree = TileTree(TileFolder(tmp_path), head.size)
        heads = HeadMap(stored.heads(conn, 300, lambda index: tree.subtree(0, index)))
    assert root_of(leaves) == head.root == tree.root()
    said = store.read(SEALS)[-1].event
    root = to_base64(heads.root())
    assert said == SealHeadsCommitted(position=300, streams=len(streams), root=root)


def test_seals_alone_are_no_news(store: PostgresEventStore, database: str, tmp_path: Path) -> None:
    mine = sealer(store, database, tmp_path)
    mine.seal()
    assert store.head() == 0
    assert TileFolder(tmp_path).checkpoint() is None
    [stream] = fill(store, 1)
    for _ in range(3):
        mine.seal()
    assert published(tmp_path).size == 4
    store.append(entry(renamed(stream, 3, "again")))
    for _ in range(3):
        mine.seal()
    assert published(tmp_path).size == 6
    assert [it.event.position for it in store.read(SEALS)] == [3, 5]


def test_in_a_thread_it_keeps_close(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    first = sealer(store, database, tmp_path, pause=0.05)
    second = sealer(store, database, tmp_path, pause=0.05)
    first.start()
    second.start()
    for round_ in range(5):
        fill(store, 20)
        until = time.monotonic() + START_SECONDS_MAX
        while seal_status(store, database).lag and time.monotonic() < until:
            time.sleep(0.01)
        status = seal_status(store, database)
        assert (status.lag, status.lag_seconds, status.is_late) == (0, 0.0, False)
        if round_ == 2:
            first.stop()
    second.stop()
    assert published(tmp_path).size == store.head()
    assert (first.trouble, second.trouble) == (None, None)


def test_stopping_seals_what_is_there(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    mine = sealer(store, database, tmp_path, pause=60)
    mine.start()
    fill(store, 10)
    mine.stop()
    if (tmp_path / "checkpoint").exists():
        assert published(tmp_path).size >= 30


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("UPDATE log.events SET state = '{}' WHERE notification_id = 10", LogDiffers),
        ("UPDATE log.events SET actor = 'x' WHERE notification_id = 10", LogDiffers),
        ("UPDATE log.events SET subjects = ARRAY[originator_id] WHERE notification_id = 10",
         LogDiffers),
        ("DELETE FROM log.events WHERE notification_id >= 9", LogShorter),
        ("DELETE FROM log.events WHERE notification_id = 11", EventMissing),
    ],
)  # fmt: skip
def test_an_altered_log_is_not_sealed_on(
    store: PostgresEventStore, database: str, tmp_path: Path, harm: str, reason: type[Exception]
) -> None:
    fill(store, 3)
    mine = sealer(store, database, tmp_path)
    mine.seal()
    assert published(tmp_path).size == 10
    fill(store, 1)
    before = TileFolder(tmp_path).checkpoint()
    as_superuser(database, harm)
    with pytest.raises(reason):
        mine.seal()
    assert TileFolder(tmp_path).checkpoint() == before


def test_a_restored_old_copy_is_not_sealed_on(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    """Also where it has grown past the place meanwhile."""
    fill(store, 4)
    mine = sealer(store, database, tmp_path)
    mine.seal()
    as_superuser(database, "DELETE FROM log.events WHERE notification_id > 8")
    with pytest.raises(LogShorter):
        mine.seal()
    fill(store, 4)
    with pytest.raises(LogDiffers):
        mine.seal()


def test_another_folder_does_not_begin_another_tree(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    fill(store, 2)
    sealer(store, database, tmp_path / "one").seal()
    with pytest.raises(SealsMissing):
        sealer(store, database, tmp_path / "two").seal()


def test_another_key_does_not_go_on(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    fill(store, 2)
    sealer(store, database, tmp_path).seal()
    with pytest.raises(Unsigned):
        Sealer(store, database, tmp_path, SignerKey.generate(ORIGIN)).seal()


def test_tiles_that_were_altered_are_not_built_on(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    fill(store, 2)
    sealer(store, database, tmp_path).seal()
    tile = tmp_path / "tile" / "0" / "000.p" / "7"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(RootDiffers):
        sealer(store, database, tmp_path).seal()


def test_a_sealer_that_lost_its_connection_does_not_sign(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    mine = sealer(store, database, tmp_path, pause=0.01)
    mine.start()
    for _ in range(3):
        fill(store, 2)
        with psycopg.connect(database, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    mine.stop()
    other = sealer(store, database, tmp_path)
    other.seal()
    assert published(tmp_path).size == store.head()


def test_status_without_a_seal(store: PostgresEventStore, database: str) -> None:
    assert seal_status(store, database).checkpoint is None
    fill(store, 2)
    status = seal_status(store, database)
    assert (status.size, status.lag, status.witnesses) == (0, 6, ())
    assert status.lag_seconds > 0


def test_the_secret_is_in_no_file_of_the_folder(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    fill(store, 2)
    sealer(store, database, tmp_path).seal()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert LOG_KEY.secret not in file.read_bytes()

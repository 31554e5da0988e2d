"""Rebuilding: equal to what served, in one piece, and without a gap while the world goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from domain.kernel import new_id
from event_store.memory import MemoryEventStore
from event_store.postgres import PostgresEventStore
from event_store.store import EventStore
from projections.kit import View
from replay import compare, pages, rebuild
from replay import tables as views
from replay.rebuild import Job, NoSuchView, Rebuilt
from replay.runner import Runner
from tests.replay.board import (
    Board,
    LongTitles,
    Titles,
    Touchy,
    folded,
    moved,
    opened,
    renamed,
    stored,
    tables,
    tell,
    tell_many,
)

VIEWS: tuple[View[Any], ...] = (Board(), Titles())


@pytest.fixture
def runner(memory_store: EventStore, database: str) -> Iterator[Runner]:
    """Views of a small log, up to date."""
    for stream in tell_many(memory_store, 12):
        tell(memory_store, stream, moved("New", "Offer"), renamed("Other"))
    runner = Runner(memory_store, database, VIEWS)
    runner.prepare()
    runner.catch_up()
    yield runner
    runner.stop()


def made(store: EventStore, dsn: str, **how: Any) -> dict[str, Rebuilt]:
    return {one.view: one for one in rebuild.rebuild(store, dsn, **({"views": VIEWS} | how))}


def spoil(dsn: str, statement: str) -> None:
    """Changes served rows behind the back of the log."""
    with psycopg.connect(dsn) as conn:
        conn.execute(statement.encode())


def test_a_rebuild_takes_the_place_of_the_old_rows(
    memory_store: EventStore, database: str, runner: Runner
) -> None:
    spoil(database, "DELETE FROM views.board__1")
    before = tables(database)
    done = made(memory_store, database)
    assert stored(database, Board()) == folded(memory_store, Board())
    assert stored(database, Titles()) == folded(memory_store, Titles())
    assert len(tables(database)) == 2
    assert not tables(database) & before
    head = memory_store.head()
    told = {n: (d.position, d.events, d.rows, d.swapped, d.error) for n, d in done.items()}
    assert told == {"board": (head, 24, 1, True, None), "titles": (head, 24, 12, True, None)}
    tell_many(memory_store, 2)
    runner.catch_up()
    assert stored(database, Board()) == folded(memory_store, Board())


@pytest.mark.usefixtures("runner")
def test_only_those_named_are_rebuilt(memory_store: EventStore, database: str) -> None:
    assert made(memory_store, database, names=["titles"]).keys() == {"titles"}
    assert "board__1" in tables(database)
    with pytest.raises(NoSuchView, match=r"'nothing'; there are board, titles"):
        made(memory_store, database, names=["nothing"])


def test_views_that_were_never_made_can_be_rebuilt(
    memory_store: MemoryEventStore, database: str
) -> None:
    tell_many(memory_store, 3)
    made(memory_store, database)
    assert stored(database, Board()) == folded(memory_store, Board())


@pytest.mark.usefixtures("runner")
def test_a_check_finds_nothing_where_all_is_well_and_changes_nothing(
    memory_store: EventStore, database: str
) -> None:
    tell_many(memory_store, 5)  # not folded yet: the check stops where the served rows stand
    before = tables(database)
    done = made(memory_store, database, check=True)
    assert {n: (d.differences, d.swapped, d.error) for n, d in done.items()} == {
        "board": (0, False, None),
        "titles": (0, False, None),
    }
    assert done["titles"].position == memory_store.head() - 5
    assert tables(database) == before


@pytest.mark.parametrize(
    ("spoiled", "count"),
    [
        ("UPDATE views.titles__2 SET name = 'wrong' WHERE ctid = '(0,1)'", 1),
        ("DELETE FROM views.titles__2 WHERE ctid <> '(0,1)'", 11),
        ("INSERT INTO views.titles__2 VALUES (gen_random_uuid(), 'made up')", 1),
    ],
)
@pytest.mark.usefixtures("runner")
def test_a_check_counts_and_names_what_differs(
    memory_store: EventStore, database: str, spoiled: str, count: int
) -> None:
    spoil(database, spoiled)
    found = made(memory_store, database, check=True)["titles"]
    assert found.differences == count
    assert len(found.differing) == min(count, 10)
    served, rebuilt = found.differing[0].changed["name"]
    assert served != rebuilt
    assert {served, rebuilt} <= {"wrong", "made up", "Other", None}

    again = made(memory_store, database, check=True, swap=True)["titles"]
    assert (again.differences, again.swapped) == (count, True)
    assert made(memory_store, database, check=True)["titles"].differences == 0
    assert again.digest == found.digest


@pytest.mark.usefixtures("runner")
def test_a_digest_speaks_of_the_rows_and_not_of_their_order(
    memory_store: EventStore, database: str
) -> None:
    first = made(memory_store, database)
    spoil(database, "CREATE TABLE views.t AS SELECT * FROM views.titles ORDER BY name, id DESC")
    spoil(database, "GRANT SELECT ON views.t TO crm_app")
    with views.connect(database) as conn:
        assert compare.digest(conn, "t") == (12, first["titles"].digest)
    assert made(memory_store, database)["board"].digest == first["board"].digest
    tell(memory_store, new_id(), opened())
    assert made(memory_store, database)["board"].digest != first["board"].digest


@pytest.mark.usefixtures("runner")
def test_rows_that_memory_cannot_hold_wait_in_the_new_table(
    memory_store: EventStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_MAX", 4)
    with views.connect(database) as conn:
        done = Job(memory_store, conn, rows_max=2).run(VIEWS)
    assert [one.error for one in done] == [None, None]
    assert stored(database, Titles()) == folded(memory_store, Titles())
    assert stored(database, Board()) == folded(memory_store, Board())


def test_a_cancelled_rebuild_leaves_nothing(
    memory_store: EventStore, database: str, runner: Runner
) -> None:
    before = tables(database)

    def cancel(_done: int, _of: int, _rate: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(memory_store, database, progress=cancel)
    assert tables(database) == before
    assert stored(database, Board()) == folded(memory_store, Board())
    assert all(one.is_current for one in runner.status())
    assert made(memory_store, database)["board"].swapped, "its lock is free again"


def test_a_view_that_fails_is_reported_and_the_others_are_rebuilt(
    memory_store: EventStore, database: str, runner: Runner
) -> None:
    tell(memory_store, new_id(), opened(name="poison"))
    runner.catch_up()
    done = made(memory_store, database, views=(Board(), Touchy()))
    assert done["board"].swapped
    failed = done["touchy"]
    assert (failed.swapped, failed.error_position) == (False, memory_store.head())
    assert "cannot stand it" in str(failed.error)
    assert len(tables(database)) == 3


def test_a_view_whose_rows_do_not_fit_is_reported_too(
    memory_store: EventStore, database: str
) -> None:
    tell(memory_store, new_id(), opened(name="unfit"))
    done = made(memory_store, database, views=(Touchy(), Board()))
    assert "Error: " in str(done["touchy"].error)
    assert done["board"].swapped
    assert stored(database, Touchy()) == {}


@pytest.mark.usefixtures("runner")
def test_an_older_version_cannot_be_compared_with(memory_store: EventStore, database: str) -> None:
    done = made(memory_store, database, views=[LongTitles()], check=True)["titles"]
    assert done.differences is None
    assert done.error == "version 1 serves: there is nothing to compare with"
    assert made(memory_store, database, views=[LongTitles()])["titles"].swapped
    assert stored(database, LongTitles()) == folded(memory_store, LongTitles())


@contextmanager
def going_on(*works: Any) -> Iterator[list[BaseException]]:
    """Does things over and over in threads of their own, and collects what goes wrong."""
    ended, errors = threading.Event(), list[BaseException]()

    def again(work: Any) -> None:
        try:
            while not ended.is_set():
                work()
        except BaseException as error:  # noqa: BLE001 -- reported by the test
            errors.append(error)

    threads = [threading.Thread(target=again, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield errors
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_the_world_goes_on_while_views_are_rebuilt(
    store: PostgresEventStore, database: str
) -> None:
    tell_many(store, 50)
    runner = Runner(store, database, VIEWS)
    runner.prepare()
    runner.catch_up()
    seen = [0]

    def read() -> None:
        with psycopg.connect(database) as conn:
            for _ in range(20):
                found = conn.execute("SELECT sum(opportunities) FROM views.board").fetchone()
                assert found is not None
                assert found[0] >= seen[0], "a reader goes back in time"
                seen[0] = found[0]

    runner.start()
    try:
        with going_on(lambda: tell_many(store, 3), read) as errors:
            for n in range(8):
                done = made(store, database, check=n % 2 == 0, swap=True)
                assert {one.swapped for one in done.values()} == {True}
                assert {one.differences for one in done.values()} <= {0, None}
        assert errors == []
        assert runner.wait_for(store.head(), 30)
    finally:
        runner.stop()
    assert seen[0] > 50
    assert stored(database, Board()) == folded(store, Board())
    assert stored(database, Titles()) == folded(store, Titles())
    assert len(tables(database)) == 2


@pytest.mark.usefixtures("runner")
def test_a_reader_who_holds_on_to_the_old_rows_is_waited_for(
    memory_store: EventStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "SWAP_PAUSE", 0.01)
    monkeypatch.setattr(rebuild, "SWAP_TRIES_MAX", 2)
    with psycopg.connect(database) as reader:
        reader.execute("SELECT * FROM views.titles")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            made(memory_store, database)
        assert len(tables(database)) == 2
    assert made(memory_store, database)["titles"].swapped

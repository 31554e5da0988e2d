"""The runner: views follow the log, each fails alone, and no event is folded twice or missed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from domain.kernel import new_id
from event_store.postgres import PostgresEventStore
from event_store.store import EventStore
from projections.kit import View
from replay import follower, registry, runner, shelves
from replay.folding import Changes
from replay.runner import Runner, ViewStatus
from tests.conftest import KEKS
from tests.replay.board import (
    Board,
    LongTitles,
    Titles,
    Touchy,
    folded,
    forget_views,
    moved,
    opened,
    renamed,
    stored,
    tables,
    tell,
    tell_many,
)

SECONDS = 30.0
"""Long enough for anything that is to happen at all."""

Run = Callable[..., Runner]


@pytest.fixture
def run(memory_store: EventStore, database: str) -> Iterator[Run]:
    """Runners on one database, prepared; they are stopped in the end."""
    made = []

    def a_runner(*views: View[Any], store: EventStore = memory_store) -> Runner:
        made.append(Runner(store, database, views))
        made[-1].prepare()
        return made[-1]

    yield a_runner
    for one in made:
        one.stop()


def status(of: Runner) -> dict[str, ViewStatus]:
    return {one.view: one for one in of.status()}


def test_views_follow_the_log_in_batches(
    memory_store: EventStore, database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PAGE_MAX", 7)
    a, b = tell_many(memory_store, 2)
    one = run(Board(), Titles())
    assert one.catch_up() == 2
    for stage in range(20):
        tell(memory_store, a, moved(f"S{stage}", f"S{stage + 1}"), renamed(f"N{stage}"))
    tell(memory_store, b, renamed("B"))
    one.catch_up()
    for view in (Board(), Titles()):
        assert stored(database, view) == folded(memory_store, view)
    assert stored(database, Titles())[b,].name == "B"
    assert all(s.is_current and s.position == memory_store.head() for s in one.status())


def test_a_row_goes_when_the_fold_says_so(
    memory_store: EventStore, database: str, run: Run
) -> None:
    one, record = run(Board()), new_id()
    tell(memory_store, record, opened("New"))
    one.catch_up()
    tell(memory_store, record, moved("New", "Offer"))
    one.catch_up()
    assert stored(database, Board()).keys() == {("Offer",)}


def test_a_log_that_is_long_already_is_folded_in_one_go(
    memory_store: EventStore, database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PAGE_MAX", 10)
    tell_many(memory_store, 30)
    one = run(Board())
    assert status(one)["board"].state == "rebuilding"
    assert stored(database, Board()) == {}
    told: list[tuple[int, int]] = []
    one.catch_up(lambda done, of, _rate: told.append((done, of)))
    assert told[-1] == (30, 30)
    assert stored(database, Board()) == folded(memory_store, Board())
    assert status(one)["board"].is_current
    assert len(tables(database)) == 1


def test_readers_wait_for_what_they_have_written(
    memory_store: EventStore, database: str, run: Run
) -> None:
    following, elsewhere = run(Board(), Titles()), run(Board(), Titles())
    following.start()
    for _ in range(5):
        position = tell(memory_store, new_id(), opened())
        assert following.wait_for(position, SECONDS)
        assert len(stored(database, Titles())) == position
        assert elsewhere.wait_for(position, SECONDS, ["board"])
    assert not elsewhere.wait_for(position + 1, 0.05)
    assert not elsewhere.wait_for(0, 0.05, ["no_such_view"])


def test_of_two_runners_one_leads_and_the_other_takes_over(
    memory_store: EventStore, database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LEAD_SECONDS", 0.05)
    first, second = run(Board()), run(Board())
    first.start()
    assert first.wait_for(tell(memory_store, new_id(), opened()), SECONDS)
    second.start()
    assert second.wait_for(tell(memory_store, new_id(), opened()), SECONDS)
    with psycopg.connect(database) as conn:
        held = conn.execute(
            """
            SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database
            WHERE locktype = 'advisory' AND granted AND datname = current_database()
            """
        )
        assert held.fetchone() == (1,)
    first.stop()
    assert second.wait_for(tell(memory_store, new_id(), opened()), SECONDS)
    assert stored(database, Board()) == folded(memory_store, Board())


def test_a_runner_that_loses_its_connection_goes_on(
    memory_store: EventStore, database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.05)
    one = run(Board())
    one.start()
    assert one.wait_for(tell(memory_store, new_id(), opened()), SECONDS)
    with psycopg.connect(database) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    position = tell(memory_store, new_id(), opened())
    assert one.wait_for(position, SECONDS)
    assert stored(database, Board()) == folded(memory_store, Board())


def test_several_who_catch_up_at_once_fold_each_event_once(
    memory_store: EventStore, database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PAGE_MAX", 20)
    several = [run(Board(), Titles()) for _ in range(3)]
    tell_many(memory_store, 300)
    threads = [threading.Thread(target=one.catch_up) for one in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(database, Board()) == folded(memory_store, Board())
    assert all(one.is_current for one in several[0].status())


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("poison", "ZeroDivisionError: cannot stand it"),
        ("unfit", "InvalidTextRepresentation: invalid input syntax for type uuid"),
    ],
)
@pytest.mark.parametrize("page", [3, 5_000])
def test_a_view_that_fails_stops_alone_at_the_event(
    memory_store: EventStore,
    database: str,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    bad: str,
    error: str,
    page: int,
) -> None:
    monkeypatch.setattr(follower, "PAGE_MAX", page)
    good = tell_many(memory_store, 20)
    broken = tell(memory_store, new_id(), opened(name=bad))
    tell_many(memory_store, 9)
    touchy = Touchy()
    one = run(touchy, Board())
    one.catch_up()

    failed = status(one)["touchy"]
    assert (failed.state, failed.position, failed.error_position) == ("failed", broken - 1, broken)
    assert failed.lag == 10
    assert failed.lag_seconds > 0
    assert not failed.is_current
    assert str(failed.error).startswith(error)
    assert stored(database, touchy).keys() == {(stream,) for stream in good}
    assert status(one)["board"].is_current
    assert one.wait_for(memory_store.head(), SECONDS, ["board"])
    assert not one.wait_for(memory_store.head(), SECONDS)

    touchy.mended = True
    one.prepare()
    one.catch_up()
    assert status(one)["touchy"].state == "failed", "nobody has asked it to try again"
    one.retry()
    one.catch_up()
    assert status(one)["touchy"].is_current
    assert stored(database, touchy) == folded(memory_store, touchy)


def test_an_event_that_nobody_can_read_stops_those_who_read_it(
    store: PostgresEventStore, database: str, run: Run
) -> None:
    record = new_id()
    tell(store, record, opened())
    with psycopg.connect(database) as conn:
        conn.execute(
            "INSERT INTO log.events SELECT originator_id, 2, 'opportunity.stage_changed/99', state,"
            " 2, recorded_at, occurred_at, actor, NULL, NULL, NULL, command_id, correlation_id,"
            " NULL, NULL, subjects FROM log.events"
        )
    newer = PostgresEventStore(database, claim_key=b"x" * 32, keks=KEKS)
    try:
        tell_many(newer, 3)
        one = run(Board(), Titles(), store=newer)
        one.catch_up()
        assert status(one)["titles"].is_current
        failed = status(one)["board"]
        assert (failed.state, failed.position, failed.error_position) == ("failed", 1, 2)
        assert "UnreadableEvent" in str(failed.error)
        assert 0 <= failed.lag_seconds < SECONDS
        assert len(stored(database, Titles())) == 4
    finally:
        newer.close()


@pytest.mark.parametrize("end", [KeyboardInterrupt, psycopg.OperationalError])
def test_rows_and_checkpoint_come_together_or_not_at_all(
    memory_store: EventStore,
    database: str,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    end: type[BaseException],
) -> None:
    one = run(Board())
    tell_many(memory_store, 3)
    one.catch_up()
    before = stored(database, Board())
    tell_many(memory_store, 3)
    save = shelves.TableShelf.save

    def killed(self: shelves.TableShelf, changes: Changes) -> None:
        save(self, changes)
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(shelves.TableShelf, "save", killed)
        with pytest.raises(end):
            one.catch_up()
    assert stored(database, Board()) == before
    assert status(one)["board"].position == 3
    one.catch_up()
    assert stored(database, Board()) == folded(memory_store, Board())


def test_a_new_version_is_made_beside_the_old_and_put_in_its_place(
    memory_store: EventStore, database: str, run: Run
) -> None:
    record = tell_many(memory_store, 1)[0]
    old = run(Titles(), Board())
    old.catch_up()

    new = run(LongTitles(), Board())
    assert (status(new)["titles"].state, status(new)["titles"].version) == ("rebuilding", 1)
    assert not status(new)["titles"].is_current
    assert stored(database, Titles()) == folded(memory_store, Titles()), "the old one serves"

    tell(memory_store, record, renamed("Acme renewal"))
    old.catch_up()
    assert status(old)["titles"].position == 1, "an older program leaves it to the newer one"
    assert status(old)["board"].is_current

    new.catch_up()
    assert (status(new)["titles"].state, status(new)["titles"].version) == ("live", 2)
    assert stored(database, LongTitles()) == folded(memory_store, LongTitles())
    assert len(tables(database)) == 2

    old.prepare()
    tell(memory_store, record, renamed("Later"))
    old.catch_up()
    assert stored(database, LongTitles())[record,].title == "Acme renewal"
    new.catch_up()
    assert stored(database, LongTitles()) == folded(memory_store, LongTitles())


def test_a_new_version_that_fails_leaves_the_old_rows_and_says_so(
    memory_store: EventStore, database: str, run: Run
) -> None:
    class Worse(Touchy):
        name = "titles"
        version = 2

    tell(memory_store, new_id(), opened(name="poison"))
    run(Titles()).catch_up()
    worse = Worse()
    one = run(worse)
    one.catch_up()
    failed = status(one)["titles"]
    assert (failed.state, failed.version, failed.error_position) == ("failed", 1, 1)
    assert stored(database, Titles()) == folded(memory_store, Titles())
    worse.mended = True
    one.retry()
    one.catch_up()
    assert (status(one)["titles"].state, status(one)["titles"].version) == ("live", 2)


def test_a_runner_that_starts_lets_failed_views_try_again(
    memory_store: EventStore, database: str, run: Run
) -> None:
    tell(memory_store, new_id(), opened(name="poison"))
    touchy = Touchy()
    one = run(touchy)
    one.catch_up()
    assert status(one)["touchy"].state == "failed"
    touchy.mended = True
    one.start()
    assert one.wait_for(tell(memory_store, new_id(), opened()), SECONDS)
    assert stored(database, touchy) == folded(memory_store, touchy)


def test_a_runner_that_shall_stop_gives_up_a_rebuild(
    memory_store: EventStore, database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PAGE_MAX", 10)
    tell_many(memory_store, 30)
    one, reached = run(Board()), threading.Event()
    fold = Board.evolve

    def slow(*args: Any) -> Any:
        reached.set()
        one._stopping.wait(SECONDS)
        return fold(*args)

    with monkeypatch.context() as patch:
        patch.setattr(Board, "evolve", slow)
        one.start()
        assert reached.wait(SECONDS)
        one.stop()
    assert status(one)["board"].state == "rebuilding"
    assert stored(database, Board()) == {}
    one.catch_up()
    assert stored(database, Board()) == folded(memory_store, Board())


def test_preparing_twice_and_at_the_same_time_changes_nothing(
    memory_store: EventStore, database: str, run: Run
) -> None:
    forget_views(database)
    threads = [threading.Thread(target=run, args=(Board(), Titles())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one = run(Board(), Titles())
    tell_many(memory_store, 2)
    one.catch_up()
    one.prepare()
    assert all(s.is_current for s in one.status())
    assert len(tables(database)) == 2


def test_the_program_works_with_no_more_rights_than_it_needs(database: str, run: Run) -> None:
    run(Board())
    with psycopg.connect(database) as conn:
        owners = conn.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class"
            " WHERE relnamespace = 'views'::regnamespace"
        ).fetchall()
    assert owners == [("crm_app",)]


def test_an_error_is_told_in_one_line() -> None:
    error = ValueError("outer")
    error.__cause__ = KeyError("inner\0")
    assert registry.describe(error) == "ValueError: outer (KeyError: 'inner\\x00')"
    assert registry.describe(ValueError("a\0b")) == "ValueError: a\ufffdb"
    assert len(registry.describe(ValueError("x" * 9_999))) == registry.ERROR_MAX

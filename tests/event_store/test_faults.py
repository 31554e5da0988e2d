"""What is said to be stored is stored, once, whatever breaks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from uuid import UUID

import psycopg
import pytest

from domain.kernel import new_id
from event_store import committer
from event_store.journal import COMMIT_LOCK
from event_store.postgres import PostgresEventStore
from event_store.store import (
    Appended,
    Checkpoint,
    Claim,
    ClaimTaken,
    Conflict,
    Entry,
    Envelope,
    KeyReused,
    TooBusy,
    Unavailable,
)
from tests.conftest import KEKS
from tests.event_store.entries import entry, opened, renamed
from tests.event_store.proxy import Proxy


@pytest.fixture
def proxy(database: str) -> Iterator[Proxy]:
    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(Path(folder), database)
        yield proxy
        proxy.close()


@pytest.fixture
def through(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresEventStore]:
    """A log behind the proxy, which tries again as often as always but at once."""
    monkeypatch.setattr(committer, "RETRY_SECONDS", (0.01,) * len(committer.RETRY_SECONDS))
    store = PostgresEventStore(proxy.dsn, claim_key=bytes(32), keks=KEKS)
    yield store
    store.close()


@pytest.mark.parametrize(
    ("swallow", "cut"),
    [(1, 0), (0, 1), (0, 2), (1, 2)],
    ids=["answer lost", "commit lost", "commit lost twice", "commit lost twice, then answer"],
)
def test_a_lost_commit_is_no_conflict(
    through: PostgresEventStore, proxy: Proxy, swallow: int, cut: int
) -> None:
    stream = new_id()
    through.append(entry(opened(stream)))
    for version in range(1, 6):
        proxy.swallow, proxy.cut = swallow, cut
        done = through.append(entry(renamed(stream, version, f"{version}")))
        expected = Appended(version + 1, {stream: version + 1}, ("opportunity.renamed",))
        assert done == expected
    assert proxy.killed == 5 * (swallow + cut)
    assert [it.version for it in through.read(stream)] == list(range(1, 7))
    assert [it.position for it in through.page(0)] == list(range(1, 7))


@pytest.mark.parametrize("fault", ["swallow", "cut"])
def test_every_caller_of_a_batch_gets_its_own_answer(
    through: PostgresEventStore, proxy: Proxy, fault: str
) -> None:
    shared = new_id()
    through.append(entry(opened(shared)))

    def write(n: int) -> str:
        mine = new_id()
        try:
            if n % 3 == 0:
                through.append(entry(renamed(shared, 1, f"{n}")))
            elif n % 3 == 1:
                through.append(entry(opened(mine), command_id=mine, fingerprint=b"print"))
            else:
                through.append_all([entry(opened(mine)), entry(renamed(mine, 1, "x", "y"))])
        except Conflict:
            return "conflict"
        return "stored"

    setattr(proxy, fault, len(committer.RETRY_SECONDS))
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(write, range(24)))
    assert answers.count("conflict") == 7
    assert [it.position for it in through.page(0)] == list(range(1, 1 + 1 + 1 + 8 + 8 * 3))


def test_a_lost_answer_to_a_bulk_append(through: PostgresEventStore, proxy: Proxy) -> None:
    streams = [new_id() for _ in range(500)]
    proxy.swallow = 2
    done = through.append_all([entry(opened(s)) for s in streams], Checkpoint("import", {"n": 500}))
    assert [it.position for it in done] == list(range(1, 501))
    assert through.head() == 500
    assert through.checkpoint("import") == {"n": 500}


def test_a_lost_answer_to_what_has_no_events(through: PostgresEventStore, proxy: Proxy) -> None:
    owner, command = new_id(), new_id()
    proxy.swallow = 1
    through.append(entry(claims=(Claim("email", "a@b", owner),)))
    proxy.swallow = 1
    through.append(entry(command_id=command, fingerprint=b"print"))
    assert through.owners([("email", "a@b")]) == {("email", "a@b"): owner}
    assert through.outcome(command, b"print") is not None


def test_a_database_that_stays_away_is_an_error_and_no_success(
    through: PostgresEventStore, proxy: Proxy
) -> None:
    stream = new_id()
    proxy.cut = 100
    with pytest.raises(Unavailable, match="may have been stored"):
        through.append(entry(opened(stream)))
    proxy.cut = 0
    assert through.read(stream) == []
    assert through.append(entry(opened(stream))).position == 1


def test_killed_backends_are_replaced(store: PostgresEventStore, database: str) -> None:
    stop = Event()

    def kill() -> None:
        with psycopg.connect(database, autocommit=True) as conn:
            while not stop.wait(0.03):
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    def write(_: int) -> UUID:
        stream = new_id()
        for version in range(10):
            store.append(entry(renamed(stream, version, f"{version}")))
        return stream

    with ThreadPoolExecutor(9) as pool:
        killer = pool.submit(kill)
        streams = list(pool.map(write, range(8)))
        stop.set()
        killer.result()
    assert [it.position for it in store.page(0)] == list(range(1, 81))
    for stream in streams:
        assert [it.version for it in store.read(stream)] == list(range(1, 11))
    assert store.wait(80, timeout=0.01) == 80


@contextmanager
def stuck(
    store: PostgresEventStore, database: str
) -> Iterator[Callable[[Entry], Future[Appended]]]:
    """Keeps the committer from its lock, with one entry in hand, so that what is submitted
    meanwhile becomes one batch, in that order."""

    def submit(it: Entry) -> Future[Appended]:
        before = store.recorder.committer.waiting
        answer = pool.submit(store.append, it)
        while store.recorder.committer.waiting == before and not answer.done():
            time.sleep(0.001)
        return answer

    with ThreadPoolExecutor(20) as pool, psycopg.connect(database, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (COMMIT_LOCK,))
        pool.submit(store.append, entry(opened(new_id())))
        blocked = (
            "SELECT FROM pg_locks JOIN pg_database AS d ON d.oid = database"
            " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
        )
        while conn.execute(blocked).fetchone() is None:
            time.sleep(0.001)
        yield submit
        conn.execute("SELECT pg_advisory_unlock(%s)", (COMMIT_LOCK,))


def test_a_bad_value_fails_alone(store: PostgresEventStore, database: str) -> None:
    """A zero byte is text for Python and not for PostgreSQL; others in the batch are stored."""
    bad = new_id()
    zero = Entry(Envelope("member-1", bad, bad, reason="zero \0 byte"), (opened(bad),))
    with stuck(store, database) as submit:
        answers = [submit(it) for it in (entry(opened(new_id())), zero, entry(opened(new_id())))]
    assert [answers[n].result().position for n in (0, 2)] == [2, 3]
    with pytest.raises(psycopg.DataError):
        answers[1].result()
    assert store.read(bad) == []
    assert store.head() == 3


def test_entries_of_one_batch_see_each_other(store: PostgresEventStore, database: str) -> None:
    a, b, command = new_id(), new_id(), new_id()
    mail = Claim("email", "ada@example.com", a)
    with stuck(store, database) as submit:
        first = submit(entry(opened(a), command_id=command, fingerprint=b"one", claims=(mail,)))
        late = submit(entry(opened(a)))
        next_ = submit(entry(renamed(a, 1, "next")))
        again = submit(entry(opened(a), command_id=command, fingerprint=b"one"))
        reused = submit(entry(opened(b), command_id=command, fingerprint=b"two"))
        taken = submit(entry(opened(b), claims=(Claim("email", mail.value, b),)))
        freed = submit(entry(releases=(mail,)))
        given = submit(entry(opened(b), claims=(Claim("email", mail.value, b),)))
    assert (first.result().position, next_.result().position) == (2, 3)
    assert isinstance(late.exception(), Conflict)
    assert again.result() == Appended(2, {a: 1}, ("opportunity.opened",), repeated=True)
    assert isinstance(reused.exception(), KeyReused)
    assert isinstance(taken.exception(), ClaimTaken)
    assert freed.result().position == 3
    assert given.result().position == 4
    assert store.owners([("email", mail.value)]) == {("email", mail.value): b}


def test_a_bulk_append_is_refused_alone(store: PostgresEventStore, database: str) -> None:
    a, b = new_id(), new_id()
    with ThreadPoolExecutor() as pool, stuck(store, database) as submit:
        first = submit(entry(opened(a)))
        bulk = pool.submit(store.append_all, [entry(opened(b)), entry(opened(a))])
        while store.recorder.committer.waiting < 2:
            time.sleep(0.001)
        last = submit(entry(opened(b)))
    assert isinstance(bulk.exception(), Conflict)
    assert (first.result().position, last.result().position) == (2, 3)


def test_a_full_queue_says_so(
    store: PostgresEventStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "QUEUE_MAX", 2)
    with stuck(store, database) as submit:
        answers = [submit(entry(opened(new_id()))) for _ in range(4)]
    outcomes = [answer.exception() for answer in answers]
    assert outcomes[:2] == [None, None]
    for no in outcomes[2:]:
        assert isinstance(no, TooBusy)
        assert no.retry_after > 0
    assert store.head() == 3


def test_close_finishes_what_was_accepted(store: PostgresEventStore, database: str) -> None:
    with ThreadPoolExecutor() as pool:
        with stuck(store, database) as submit:
            answers = [submit(entry(opened(new_id()))) for _ in range(5)]
            closing = pool.submit(store.close)
        closing.result()
    assert [answer.result().position for answer in answers] == [2, 3, 4, 5, 6]
    with pytest.raises(Unavailable):
        store.append(entry(opened(new_id())))


PROGRAM = """
import sys
from event_store.keks import GivenKeks
from event_store.postgres import PostgresEventStore
from event_store.store import Conflict
from tests.event_store.entries import entry, renamed
from uuid import UUID

store = PostgresEventStore(sys.argv[1], claim_key=b"k" * 32, keks=GivenKeks("6b" * 32))
stream, stored = UUID(sys.argv[2]), 0
while stored < 60:
    version = len(store.read(stream))
    try:
        store.append(entry(renamed(stream, version, "x")))
        stored += 1
    except Conflict:
        pass
store.close()
"""


def test_two_programs_share_one_order(store: PostgresEventStore, database: str) -> None:
    stream = new_id()
    root = Path(__file__).parents[2]
    programs = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, database, str(stream)], cwd=root)
        for _ in range(2)
    ]
    seen: list[int] = []
    while len(seen) < 120:
        store.wait(len(seen), timeout=5)
        seen += [it.position for it in store.page(len(seen))]
    assert [program.wait() for program in programs] == [0, 0]
    assert seen == list(range(1, 121))
    assert [it.version for it in store.read(stream)] == list(range(1, 121))
    times = [it.recorded_at for it in store.page(0)]
    assert times == sorted(times)

"""How fast the log takes events and gives them back, beside the library's default recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median as middle
from time import perf_counter

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from domain.kernel import new_id
from domain.opportunities import OpportunityOpened
from event_store.codec import encode
from event_store.postgres import PostgresEventStore
from event_store.store import Entry, Envelope, Write
from tests.benchmarks.measure import RUNS, Measure, fresh_database, median
from tests.conftest import KEKS

WRITERS = 16
SECONDS = 1.5
"""How long each run of concurrent appends goes on."""
BULK, BULK_CHUNK = 20_000, 2_000
WAKE_UPS = 40
GROUP_COMMIT_MIN = 3.0
"""How many times the library's rate group commit is promised to have at least."""
WAKE_UP_MS_MAX = 50.0

PIPELINE = new_id()


def run() -> list[Measure]:
    with fresh_database() as dsn, _store(dsn) as ours, _library(dsn) as theirs:
        rates = [(_concurrent(_one(ours)), _concurrent(_one_of(theirs))) for _ in range(RUNS)]
        group = middle(rate for rate, _ in rates)
        ratio = middle(rate / other for rate, other in rates)
        with _store(dsn) as reader:
            wake_up = _wake_up(ours, reader)
        return [
            Measure("append.library_default", middle(rate for _, rate in rates), "events/s"),
            Measure("append.group_commit", group, "events/s", ratio, GROUP_COMMIT_MIN),
            Measure("append.wake_up", wake_up, "ms", bar=WAKE_UP_MS_MAX),
            Measure("append.bulk", median(lambda: _bulk(ours)), "events/s"),
            Measure("append.page", median(lambda: _pages(ours)), "events/s"),
        ]


@contextmanager
def _store(dsn: str) -> Iterator[PostgresEventStore]:
    store = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
    yield store
    store.close()


@contextmanager
def _library(dsn: str) -> Iterator[PostgresApplicationRecorder]:
    """The library's recorder as it comes, with a connection for each writer."""
    given = conninfo_to_dict(dsn)
    datastore = PostgresDatastore(
        *(str(given.get(n) or "") for n in ("dbname", "host", "port", "user", "password")),
        pool_size=WRITERS,
    )
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    yield recorder
    datastore.close()


def _entry() -> Entry:
    command_id = new_id()
    fact = OpportunityOpened(name="A deal", pipeline=PIPELINE, stage="new", account=PIPELINE)
    write = Write(new_id(), 0, (fact,), (PIPELINE, command_id))
    return Entry(Envelope("member", command_id, command_id, source="api"), (write,))


def _one(store: PostgresEventStore) -> Callable[[], object]:
    return lambda: store.append(_entry())


def _one_of(recorder: PostgresApplicationRecorder) -> Callable[[], object]:
    def append() -> object:
        write = _entry().writes[0]
        return recorder.insert_events([StoredEvent(write.stream, 1, *encode(write.events[0]))])

    return append


def _concurrent(append: Callable[[], object]) -> float:
    """Appends a second of all writers together."""

    def write(_: int) -> int:
        count = 0
        while perf_counter() < end:
            append()
            count += 1
        return count

    since = perf_counter()
    end = since + SECONDS
    with ThreadPoolExecutor(WRITERS) as pool:
        total = sum(pool.map(write, range(WRITERS)))
    return total / (perf_counter() - since)


def _bulk(store: PostgresEventStore) -> float:
    entries = [_entry() for _ in range(BULK)]
    since = perf_counter()
    for first in range(0, BULK, BULK_CHUNK):
        store.append_all(entries[first : first + BULK_CHUNK])
    return BULK / (perf_counter() - since)


def _pages(store: PostgresEventStore) -> float:
    after, count, since = 0, 0, perf_counter()
    while page := store.page(after):
        after, count = page[-1].position, count + len(page)
    return count / (perf_counter() - since)


def _wake_up(writer: PostgresEventStore, reader: PostgresEventStore) -> float:
    """Milliseconds from the call of an append until one who waits in another program, as far
    as the database can tell, goes on."""

    def waken(after: int) -> float:
        reader.wait(after, timeout=5)
        return perf_counter()

    reader.wait(reader.head() - 1, timeout=5)
    delays: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        for _ in range(WAKE_UPS):
            woken = pool.submit(waken, writer.head())
            since = perf_counter()
            writer.append(_entry())
            delays.append((woken.result() - since) * 1000)
    return middle(delays)

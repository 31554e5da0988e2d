"""What it costs that everything personal is sealed: the same work with it and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median as middle
from time import perf_counter

from domain.contacts import ContactAdded
from domain.kernel import Event, new_id
from event_store import ledger
from event_store.codec import encode, encode_apart
from event_store.postgres import PostgresEventStore
from event_store.store import PAGE_MAX, Entry, Envelope, Write
from tests.benchmarks.measure import RUNS, Measure, fresh_database
from tests.conftest import KEKS

CALLERS, SECONDS = 64, 1.5
PERSONS = 10_000
FACT = ContactAdded(
    first_name="Anna",
    last_name="Zander",
    email="anna.zander@example.com",
    phone="+49 30 1234567",
    street="Long Street 12",
    city="Berlin",
    lead_source="fair",
)
"""What is said of each of them."""


def run() -> list[Measure]:
    """Each with its ratio to the same in clear."""
    jobs = {"sealing.one": _one_by_one, "sealing.bulk": _bulk, "sealing.page": _page}
    return [_measure(name, job) for name, job in jobs.items()]


def _measure(name: str, job: Callable[[PostgresEventStore], float]) -> Measure:
    rates = []
    for _ in range(RUNS):
        with _log() as log:
            sealed = job(log)
        with _in_clear(), _log() as log:
            rates.append((sealed, sealed / job(log)))
    return Measure(name, middle(r for r, _ in rates), "events/s", middle(r for _, r in rates))


@contextmanager
def _log() -> Iterator[PostgresEventStore]:
    with fresh_database() as dsn:
        log = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
        yield log
        log.close()


@contextmanager
def _in_clear() -> Iterator[None]:
    """As if nothing were personal."""

    def whole(fact: Event) -> tuple[bytes, None]:
        return encode(fact)[1], None

    ledger.encode_apart = whole  # type: ignore[assignment]
    yield
    ledger.encode_apart = encode_apart


def _entry() -> Entry:
    command = new_id()
    return Entry(Envelope("ada", command, command), (Write(new_id(), 0, (FACT,)),))


def _one_by_one(log: PostgresEventStore) -> float:
    """New persons, from many callers: each needs a key of their own."""
    end = perf_counter() + SECONDS

    def caller(_: int) -> int:
        count = 0
        while perf_counter() < end:
            log.append(_entry())
            count += 1
        return count

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(caller, range(CALLERS))) / SECONDS


def _bulk(log: PostgresEventStore) -> float:
    chunks = [[_entry() for _ in range(2_000)] for _ in range(PERSONS // 2_000)]
    since = perf_counter()
    for chunk in chunks:
        log.append_all(chunk)
    return PERSONS / (perf_counter() - since)


def _page(log: PostgresEventStore) -> float:
    """With no key open at first."""
    log.append_all([_entry() for _ in range(PERSONS)])
    log.forget_keys()
    since, after = perf_counter(), 0
    while page := log.page(after, PAGE_MAX):
        after = page[-1].position
    return PERSONS / (perf_counter() - since)

"""What it costs that everything personal is sealed: the same work with it and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median as middle
from time import perf_counter, sleep
from typing import Any
from uuid import UUID

import pytest

from domain.contacts import ContactAdded
from domain.kernel import Event, Recorded, new_id
from event_store import ledger
from event_store.codec import encode
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
KNOWN = new_id()
"""Somebody who has a key already."""


def run() -> list[Measure]:
    """Each with its ratio to the same in clear."""
    jobs = {
        "sealing.one_new": _one_by_one,
        "sealing.one_known": lambda log: _one_by_one(log, KNOWN),
        "sealing.bulk_new": _bulk,
        "sealing.bulk_known": lambda log: _bulk(log, KNOWN),
        "sealing.page_closed": _page,
        "sealing.page_open": lambda log: _page(log, keys_open=True),
    }
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

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "encode_apart", whole)
        yield


def _entry(person: UUID | None = None) -> Entry:
    command = new_id()
    return Entry(Envelope("ada", command, command), (Write(new_id(), 0, (FACT,), (), person),))


def _one_by_one(log: PostgresEventStore, person: UUID | None = None) -> float:
    """From many callers, about somebody or each about somebody new, who needs a key."""
    end = perf_counter() + SECONDS

    def caller(_: int) -> int:
        count = 0
        while perf_counter() < end:
            log.append(_entry(person))
            count += 1
        return count

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(caller, range(CALLERS))) / SECONDS


def _bulk(log: PostgresEventStore, person: UUID | None = None) -> float:
    chunks = [[_entry(person) for _ in range(2_000)] for _ in range(PERSONS // 2_000)]
    since = perf_counter()
    for chunk in chunks:
        log.append_all(chunk)
    return PERSONS / (perf_counter() - since)


def _page(log: PostgresEventStore, *, keys_open: bool = False) -> float:
    """Each event about somebody else."""
    log.append_all([_entry() for _ in range(PERSONS)])
    log.page(0, 1)
    sleep(0.2)  # whoever begins to listen forgets once
    log.keys.forget()
    if keys_open:
        _everything(log)
    since, after = perf_counter(), 0
    while page := log.page(after, PAGE_MAX):
        after = page[-1].position
    return PERSONS / (perf_counter() - since)


def _everything(log: PostgresEventStore) -> list[Recorded[Any]]:
    return [*log.page(0, PAGE_MAX), *log.page(PAGE_MAX, PAGE_MAX)]

"""Many at once: nothing is lost, doubled or missed, and one of two editors wins."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event

import pytest

from domain.kernel import new_id
from event_store.store import (
    Appended,
    Claim,
    ClaimTaken,
    Conflict,
    Entry,
    EventStore,
    KeyReused,
)
from tests.event_store.entries import entry, opened, renamed

WRITERS = 8


@pytest.fixture(params=["store", "memory_store"], ids=["postgres", "memory"])
def log(request: pytest.FixtureRequest) -> EventStore:
    store: EventStore = request.getfixturevalue(request.param)
    return store


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """What each of the calls returns, or raises, when all are let go together."""
    start = Barrier(count)

    def run(n: int) -> object:
        start.wait()
        try:
            return work(n)
        except (Conflict, ClaimTaken, KeyReused) as no:
            return no

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_reader_that_tails_by_position_misses_nothing(log: EventStore) -> None:
    written = Event()

    def tail(_: int) -> list[int]:
        seen: list[int] = []
        while not written.is_set() or len(seen) < log.head():
            log.wait(len(seen), timeout=0.05)
            seen += [it.position for it in log.page(seen[-1] if seen else 0, 7)]
        return seen

    def write(n: int) -> int:
        draw = random.Random(n)
        count = 0
        for _ in range(25):
            names = [f"{n}"] * draw.randint(1, 40)
            count += len(names)
            several = [entry(renamed(new_id(), 0, name)) for name in names]
            if draw.random() < 0.2:
                log.append_all(several)
            else:
                log.append(entry(renamed(new_id(), 0, *names)))
        return count

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(tail, 0)
        total = sum(pool.map(write, range(WRITERS)))
        written.set()
        assert reader.result() == list(range(1, total + 1))


def test_one_command_sent_fifty_times_has_one_effect(log: EventStore) -> None:
    command = new_id()
    it = entry(opened(new_id()), command_id=command, fingerprint=b"print")
    answers = at_once(50, lambda _: log.append(it))
    assert all(isinstance(a, Appended) and a.position == 1 for a in answers)
    assert [a.repeated for a in answers if isinstance(a, Appended)].count(False) == 1
    assert log.head() == 1


def test_one_of_two_editors_wins(log: EventStore) -> None:
    stream = new_id()
    log.append(entry(opened(stream)))
    for version in range(1, 41):
        edits = [entry(renamed(stream, version, name)) for name in ("left", "right")]
        answers = at_once(2, partial(_edit, log, edits))
        assert sorted(type(a).__name__ for a in answers) == ["Appended", "Conflict"]
    assert [it.version for it in log.read(stream)] == list(range(1, 42))


def _edit(log: EventStore, edits: list[Entry], n: int) -> Appended:
    return log.append(edits[n])


def test_one_of_many_gets_a_claimed_value(log: EventStore) -> None:
    people = [new_id() for _ in range(16)]

    def register(n: int) -> object:
        claim = Claim("email", "ada@example.com", people[n])
        return log.append(entry(opened(people[n]), claims=(claim,)))

    answers = at_once(16, register)
    winner = next(n for n, a in enumerate(answers) if isinstance(a, Appended))
    losers = [a for a in answers if isinstance(a, ClaimTaken)]
    assert len(losers) == 15
    assert {a.owner for a in losers} == {people[winner]}
    assert log.head() == 1

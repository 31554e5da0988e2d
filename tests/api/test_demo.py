"""The demo company: believable, the same every time, and never there twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from api.demo import CHECKPOINT, script, seed
from commands.bus import Bus
from domain.kernel import Recorded, records
from event_store.memory import MemoryEventStore
from event_store.store import EventStore

TODAY = date(2025, 6, 30)
SMALL = 0.04


def log(store: EventStore) -> list[Recorded[Any]]:
    found: list[Recorded[Any]] = []
    while page := store.page(found[-1].position if found else 0):
        found += page
    return found


@pytest.fixture(scope="module")
def played() -> list[Recorded[Any]]:
    store = MemoryEventStore()
    seed(Bus(store), today=TODAY, scale=SMALL)
    return log(store)


def test_every_kind_of_record_is_there(played: list[Recorded[Any]]) -> None:
    assert {it.event.__event__.noun for it in played} == records().keys()


def test_the_story_ends_where_the_day_begins(played: list[Recorded[Any]]) -> None:
    end = datetime(2025, 6, 30, tzinfo=UTC)
    assert max(it.occurred_at for it in played) < end
    assert [it.occurred_at for it in played] == sorted(it.occurred_at for it in played)
    assert {it.occurred_at.year for it in played} == {2023, 2024, 2025}


def test_customers_come_back(played: list[Recorded[Any]]) -> None:
    orders = Counter(it.event.account for it in played if it.name == "order.placed")
    assert sum(count > 1 for count in orders.values()) > len(orders) / 2


def test_chances_are_won_lost_and_open(played: list[Recorded[Any]]) -> None:
    names = Counter(it.name for it in played)
    ended = names["opportunity.won"] + names["opportunity.lost"]
    assert names["opportunity.won"] > ended / 4
    assert names["opportunity.lost"] > ended / 4
    assert ended < names["opportunity.opened"]


def test_most_work_is_done_on_weekdays(played: list[Recorded[Any]]) -> None:
    days = Counter(it.occurred_at.weekday() for it in played)
    assert days[5] + days[6] < len(played) / 20


def test_the_whole_demo_can_be_undone_as_one(played: list[Recorded[Any]]) -> None:
    assert len({it.batch_id for it in played}) == 1


def test_the_same_day_gives_the_same_company() -> None:
    once, again = script(TODAY, SMALL), script(TODAY, SMALL)
    assert once == again
    assert script(date(2025, 7, 1), SMALL) != once


def test_played_again_on_another_day_it_adds_nothing() -> None:
    store = MemoryEventStore()
    seed(Bus(store), today=TODAY, scale=SMALL)
    head = store.head()
    seed(Bus(store), today=date(2025, 7, 15), scale=1.0)
    assert store.head() == head


def test_interrupted_it_goes_on_where_it_was() -> None:
    whole, halved = MemoryEventStore(), MemoryEventStore()
    seed(Bus(whole), today=TODAY, scale=SMALL)

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed(Bus(halved), stop, today=TODAY, scale=SMALL)
    assert 0 < halved.head() < whole.head()
    seed(Bus(halved), today=date(2025, 7, 15), scale=SMALL)
    assert [(it.stream, it.event) for it in log(halved)] == [
        (it.stream, it.event) for it in log(whole)
    ]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    store = MemoryEventStore()
    seed(Bus(store), lambda done, of: told.append((done, of)), today=TODAY, scale=SMALL)
    assert told[-1][0] == told[-1][1]
    assert store.checkpoint(CHECKPOINT) == {
        "today": "2025-06-30",
        "scale": SMALL,
        "done": told[-1][0],
        "of": told[-1][1],
    }

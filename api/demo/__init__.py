"""A demo company of a believable size, made by commands as a company makes them over two years."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from api.demo.care import Care
from api.demo.company import Company
from api.demo.customers import Customers
from api.demo.sales import Sales
from api.demo.script import Script
from api.demo.talk import Talk
from commands.bus import Bus
from commands.desk import Ask, States
from domain.kernel import Refused
from event_store.store import Checkpoint, Conflict

CHECKPOINT = "demo"
BATCH = 1_000
"""Commands that are stored together."""

Progress = Callable[[int, int], None]
"""Told how many commands are done, of how many."""


def seed(
    bus: Bus,
    progress: Progress = lambda _done, _of: None,
    *,
    today: date | None = None,
    scale: float = 1.0,
) -> None:
    """Plays the demo company into the log: two years that end where ``today`` (UTC) begins.

    The same day and scale always give the same records with the same ids. How far it has come
    is stored with the events: called again, it goes on, and adds nothing twice.

    Raises:
        Refused: the log holds something that the demo does not get along with.
    """
    first_day = today or datetime.now(UTC).date()
    before = bus.store.checkpoint(CHECKPOINT) or {
        "today": first_day.isoformat(),
        "scale": scale,
        "done": 0,
        "of": -1,
    }
    if before["done"] == before["of"]:
        return
    asks = script(date.fromisoformat(before["today"]), before["scale"])
    states = States(bus.store)
    for start in range(before["done"], len(asks), BATCH):
        batch = asks[start : start + BATCH]
        done = start + len(batch)
        reached = Checkpoint(CHECKPOINT, before | {"done": done, "of": len(asks)})
        _check(bus.dispatch_all(batch, states, reached))
        progress(done, len(asks))


def script(today: date, scale: float = 1.0) -> list[Ask]:
    """All commands of the demo, in order of time."""
    story = Script(today, scale)
    company = Company(story)
    customers = Customers(story, company)
    Sales(story, company, customers)
    Talk(story).everywhere(customers.all)
    Care(story, company, customers.all)
    return story.asks()


def _check(answers: Sequence[object]) -> None:
    for answer in answers:
        if isinstance(answer, Refused | Conflict):
            raise answer

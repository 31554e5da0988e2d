"""The double behaves as the real log, whatever is asked of it in whatever order."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel import Recorded, new_id
from event_store.memory import MemoryEventStore
from event_store.postgres import PostgresEventStore
from event_store.store import (
    Appended,
    Claim,
    ClaimTaken,
    Conflict,
    Entry,
    EventStore,
    KeyReused,
)
from tests.event_store.entries import entry, renamed


class Plan(NamedTuple):
    """An entry before its ids are drawn: streams, values and commands are numbers."""

    writes: list[tuple[int, int, int]]
    """Stream, expected version, how many events."""
    command: int
    fingerprint: bytes | None
    claims: dict[int, int]
    """Value to owner."""
    releases: dict[int, int]


_ANY = st.integers(0, 2)
_CLAIMS = st.dictionaries(_ANY, _ANY, max_size=2)
_PLANS = st.builds(
    Plan,
    st.lists(st.tuples(_ANY, st.integers(0, 3), _ANY), max_size=2),
    _ANY,
    st.sampled_from([None, None, b"one", b"two"]),
    _CLAIMS,
    _CLAIMS,
)


# Both logs live on from example to example; each example has ids of its own.
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(_PLANS, min_size=1, max_size=3), min_size=1, max_size=8))
def test_they_answer_alike(
    store: PostgresEventStore, memory_store: MemoryEventStore, batches: list[list[Plan]]
) -> None:
    ids = [new_id() for _ in range(3)]
    after = store.head()
    for plans in batches:
        entries = [_entry(plan, ids) for plan in plans]
        assert _tried(store, entries) == _tried(memory_store, entries)
    assert _told(store.page(after)) == _told(memory_store.page(after))
    values = [("email", f"{value} {ids[0]}") for value in range(3)]
    assert store.owners(values) == memory_store.owners(values)
    for subject in ids:
        assert _told(store.by_subject(subject)) == _told(memory_store.by_subject(subject))
    assert store.read_many(ids).keys() == memory_store.read_many(ids).keys()


def _entry(plan: Plan, ids: list[UUID]) -> Entry:
    def claims(of: dict[int, int]) -> tuple[Claim, ...]:
        return tuple(Claim("email", f"{v} {ids[0]}", ids[owner]) for v, owner in of.items())

    return entry(
        *(renamed(ids[s], e, *["x"] * n, subjects=(ids[s], ids[0])) for s, e, n in plan.writes),
        command_id=ids[plan.command],
        fingerprint=plan.fingerprint,
        claims=claims(plan.claims),
        releases=claims(plan.releases),
    )


def _tried(log: EventStore, entries: list[Entry]) -> list[Appended] | str:
    """The outcomes, or the refusal in words."""
    try:
        return log.append_all(entries) if len(entries) > 1 else [log.append(entries[0])]
    except (Conflict, ClaimTaken, KeyReused) as no:
        return f"{type(no).__name__}: {no}"


def _told(events: list[Recorded[Any]]) -> list[tuple[object, ...]]:
    """What both logs must agree on: all but the moment of recording."""
    return [
        (it.event, it.position, it.stream, it.version, it.command_id, it.subjects) for it in events
    ]

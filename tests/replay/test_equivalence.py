"""The one promise of views: followed live, rebuilt, or folded in memory, the rows are the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import projections  # noqa: F401  # fills the register of views
from domain.kernel import CATALOGUE, Cut, Event
from event_store.memory import MemoryEventStore
from projections.kit import VIEWS, View
from replay import follower, history, pages
from replay.rebuild import rebuild
from replay.runner import Runner
from tests.architecture.anything import EPOCH, IDS, made
from tests.replay.board import Board, Titles, folded, forget_views, moved, opened, stored, tell

ALL: dict[str, View[Any]] = dict(VIEWS) | {"board": Board(), "titles": Titles()}
STAGES = ("New", "Offer", "Talks")

few = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Told = tuple[UUID, Event, int]
"""A stream, an event, and the hour it was true at."""


def _no_nul(fact: Event) -> bool:
    return b"\\u0000" not in msgspec.json.encode(fact)


ANY_FACT = st.one_of([made(kind.cls) for kind in CATALOGUE.values()]).filter(_no_nul)
DEAL = st.builds(opened, st.sampled_from(STAGES)) | st.builds(
    moved, st.sampled_from(STAGES), st.sampled_from(STAGES)
)
TOLD: st.SearchStrategy[list[Told]] = st.lists(
    st.tuples(st.sampled_from(IDS), ANY_FACT | DEAL, st.integers(0, 99)), max_size=25
)


def told(facts: list[Told]) -> MemoryEventStore:
    store = MemoryEventStore()
    for stream, fact, hour in facts:
        tell(store, stream, fact, at=EPOCH + timedelta(hours=hour))
    return store


@given(facts=TOLD, data=st.data())
@few
def test_live_rebuilt_and_folded_rows_are_the_same(
    database: str, facts: list[Told], data: st.DataObject
) -> None:
    forget_views(database)
    store = MemoryEventStore()
    runner = Runner(store, database, ALL.values())
    runner.prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(follower, "PAGE_MAX", data.draw(st.integers(1, 9)))
        patch.setattr(pages, "PAGE_MAX", data.draw(st.integers(1, 9)))
        while facts:
            batch = data.draw(st.integers(1, 15))
            for stream, fact, hour in facts[:batch]:
                tell(store, stream, fact, at=EPOCH + timedelta(hours=hour))
            facts = facts[batch:]
            runner.catch_up()
        checked = rebuild(store, database, views=ALL.values(), check=True)
    runner.stop()

    assert {one.view: (one.differences, one.error) for one in checked} == dict.fromkeys(
        ALL, (0, None)
    )
    for view in ALL.values():
        assert stored(database, view) == folded(store, view)
        assert history.rows_as_of(store, view) == folded(store, view)


@given(facts=TOLD, at=st.none() | st.integers(0, 99), known=st.none() | st.integers(0, 40))
@settings(max_examples=15, deadline=None)
def test_the_past_is_a_fold_of_the_log_cut_on_two_clocks(
    facts: list[Told], at: int | None, known: int | None
) -> None:
    store = told(facts)
    whole = store.page(0)
    knew = None if known is None or not whole else whole[min(known, len(whole) - 1)].recorded_at
    cut = Cut(None if at is None else EPOCH + timedelta(hours=at), knew)
    for view in ALL.values():
        rows: dict[Any, Any] = {}
        for it in whole:
            late = cut.at is not None and it.occurred_at > cut.at
            unknown = cut.knew is not None and it.recorded_at > cut.knew
            keys = view.keys(it) if isinstance(it.event, view.reads) else ()
            for key in () if late or unknown else set(keys):
                rows[key] = view.evolve(rows.get(key), it, key)
        rows = {key: row for key, row in rows.items() if row is not None}
        assert history.rows_as_of(store, view, cut) == rows
        for key in rows:
            assert history.row_as_of(store, view, key, cut) == rows[key]

"""Folds are total: whatever was stored, in whatever order, there is a state and there are rows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import projections  # noqa: F401  # fills the register of views
from domain.kernel import AGGREGATES, Aggregate, fold
from event_store.codec import decode, encode
from projections.kit import VIEWS, Key, View
from tests.architecture.anything import facts_of
from tests.given import recorded

few = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize("aggregate", AGGREGATES.values(), ids=lambda aggregate: aggregate.noun)
@given(data=st.data())
@few
def test_a_state_never_refuses_history(aggregate: Aggregate[Any], data: st.DataObject) -> None:
    facts = data.draw(facts_of([aggregate.noun]))
    state = fold(aggregate.evolve, aggregate.blank, facts)

    assert type(state) is type(aggregate.blank)
    assert all(aggregate.subjects(state))
    assert fold(aggregate.evolve, aggregate.blank, facts) == state


@pytest.mark.parametrize("view", VIEWS.values(), ids=lambda view: view.name)
@given(data=st.data())
@few
def test_a_view_never_refuses_history(view: View[Any], data: st.DataObject) -> None:
    facts = data.draw(facts_of({cls.__event__.noun for cls in view.reads}))
    rows: dict[Key, Any] = {}
    for it in recorded(*facts):
        for key in view.keys(it) if it.name in view.names else ():
            rows[key] = view.evolve(rows.get(key), it, key)

    for key, row in rows.items():
        if row is None:
            continue
        assert tuple(getattr(row, name) for name in view.key) == key
        # What a table takes is what the row declares: a value of another type would not fit.
        stored = msgspec.json.encode(row)
        assert msgspec.json.encode(msgspec.json.decode(stored, type=view.row)) == stored


@pytest.mark.parametrize("noun", AGGREGATES)
@given(data=st.data())
@few
def test_what_is_stored_is_what_was_said(noun: str, data: st.DataObject) -> None:
    for fact in data.draw(facts_of([noun])):
        assert decode(*encode(fact)) == fact

"""The past of a record: as it was, how it became so, where each value is from."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from domain.kernel import Cut, new_id
from domain.opportunities import OpportunityLost, OpportunityReopened
from event_store.memory import MemoryEventStore
from projections.kit import VIEWS
from projections.opportunities import OpportunityRow
from replay.history import (
    NoSuchField,
    diff,
    history,
    provenance,
    row_as_of,
    rows_as_of,
    timeline,
)
from tests.replay.board import Board, moved, opened, renamed, tell, valued

OPPORTUNITIES = VIEWS["opportunities"]
ID = UUID(int=7)


def day(n: int) -> datetime:
    return datetime(2024, 3, n, tzinfo=UTC)


@pytest.fixture
def store(memory_store: MemoryEventStore) -> MemoryEventStore:
    """An opportunity whose value is told on the 9th, and later corrected for the 4th."""
    tell(memory_store, ID, opened(name="Acme"), at=day(1), source="import deals.csv:7")
    tell(memory_store, ID, moved("New", "Offer"), at=day(5))
    tell(memory_store, ID, valued("100"), at=day(9), reason="their budget")
    tell(memory_store, new_id(), opened("New", "Other"), at=day(6))
    tell(memory_store, ID, valued("80"), at=day(4), reason="found in a letter", on_behalf_of="bob")
    return memory_store


def learned(store: MemoryEventStore, position: int) -> datetime:
    return store.page(position - 1, 1)[0].recorded_at


def row(store: MemoryEventStore, cut: Cut) -> OpportunityRow:
    found = row_as_of(store, OPPORTUNITIES, ID, cut)
    assert isinstance(found, OpportunityRow)
    return found


def test_a_record_as_it_was_on_two_clocks(store: MemoryEventStore) -> None:
    assert row_as_of(store, OPPORTUNITIES, ID, Cut(at=datetime(2024, 2, 29, tzinfo=UTC))) is None
    assert row(store, Cut(at=day(3))).stage == "New"
    assert row(store, Cut(at=day(3))).amount is None
    assert row(store, Cut(at=day(4))).amount == Decimal(80), "true then, though told later"
    before = learned(store, 4)
    assert row(store, Cut(at=day(4), knew=before)).amount is None, "not known then"
    assert row(store, Cut(knew=before)).amount == Decimal(100)
    assert row(store, Cut()).stage == "Offer"
    assert row_as_of(store, OPPORTUNITIES, (ID,), Cut()) == row(store, Cut())
    assert row_as_of(store, OPPORTUNITIES, new_id()) is None


def test_all_records_as_they_were(store: MemoryEventStore) -> None:
    names = {it.name for it in rows_as_of(store, OPPORTUNITIES, Cut(at=day(6))).values()}
    assert names == {"Acme", "Other"}
    chosen = rows_as_of(store, OPPORTUNITIES, Cut(at=day(6)), lambda it: it.stage == "Offer")
    assert chosen.keys() == {(ID,)}
    assert rows_as_of(store, OPPORTUNITIES, Cut(at=day(5))).keys() == {(ID,)}


def test_a_view_over_several_streams_has_a_past_too(store: MemoryEventStore) -> None:
    lane = row_as_of(store, Board(), ("New",), Cut(at=day(4)))
    assert lane is not None
    assert lane.arrivals == (ID,)
    assert row_as_of(store, Board(), ("New",), Cut(at=day(5))) is None
    assert row_as_of(store, Board(), ("Offer",)) is not None
    assert [step.it.position for step in history(store, ("New",), Board())] == [1, 2, 4]


def test_a_history_tells_what_each_event_changed(store: MemoryEventStore) -> None:
    steps = history(store, ID, OPPORTUNITIES)
    assert [step.it.name for step in steps] == [
        "opportunity.opened",
        "opportunity.stage_changed",
        "opportunity.revalued",
        "opportunity.revalued",
    ]
    assert steps[0].changed["name"] == (None, "Acme")
    assert "amount" not in steps[0].changed
    assert steps[1].changed["stage"] == ("New", "Offer")
    assert steps[3].changed["amount"] == (Decimal(100), Decimal(80))
    assert "currency" not in steps[3].changed
    assert steps[-1].row == row(store, Cut())
    assert len(history(store, ID, OPPORTUNITIES, Cut(at=day(5)))) == 3
    assert history(store, new_id(), OPPORTUNITIES) == []


def test_two_cuts_differ_in_fields_and_by_events(store: MemoryEventStore) -> None:
    found = diff(store, ID, OPPORTUNITIES, Cut(at=day(4)), Cut(at=day(9)))
    assert found.changed["stage"] == ("New", "Offer")
    assert "name" not in found.changed
    assert "amount" not in found.changed, "80 at both times, as the letter is the later word"
    assert [step.it.position for step in found.steps] == [2, 3]

    other_clock = diff(store, ID, OPPORTUNITIES, Cut(knew=learned(store, 3)), Cut())
    assert other_clock.changed["amount"] == (Decimal(100), Decimal(80))
    assert [step.it.position for step in other_clock.steps] == [5]

    backwards = diff(store, ID, OPPORTUNITIES, Cut(), Cut(knew=learned(store, 3)))
    assert backwards.changed["amount"] == (Decimal(80), Decimal(100))
    same = diff(store, ID, OPPORTUNITIES, Cut(), Cut())
    assert (same.changed, same.steps) == ({}, ())
    beginning = diff(store, ID, OPPORTUNITIES, Cut(at=day(1).replace(year=2023)), Cut(at=day(1)))
    assert (beginning.was, beginning.changed["name"]) == (None, (None, "Acme"))


def test_a_value_says_where_it_is_from(store: MemoryEventStore) -> None:
    found = provenance(store, ID, OPPORTUNITIES, "amount")
    assert found is not None
    assert (found.value, found.since, found.position) == (Decimal(80), day(4), 5)
    assert (found.actor, found.on_behalf_of, found.reason) == ("ada", "bob", "found in a letter")
    assert (found.event, found.told) == ("opportunity.revalued", "valued at 80 EUR")
    assert [(it.value, it.reason) for it in found.earlier] == [
        (Decimal(100), "their budget"),
        (None, None),
    ]
    before = provenance(store, ID, OPPORTUNITIES, "amount", Cut(knew=learned(store, 4)))
    assert before is not None
    assert before.value == Decimal(100)


def test_a_value_that_never_changed_is_from_the_first_event(store: MemoryEventStore) -> None:
    found = provenance(store, ID, OPPORTUNITIES, "owner")
    assert found is not None
    assert (found.value, found.position, found.source, found.earlier) == (
        None,
        1,
        "import deals.csv:7",
        (),
    )


def test_a_value_that_came_back_is_from_the_event_that_brought_it_back(
    store: MemoryEventStore,
) -> None:
    tell(store, ID, OpportunityLost(lost_reason="price"), renamed("Acme again"))
    position = tell(store, ID, OpportunityReopened(stage="Offer"))
    found = provenance(store, ID, OPPORTUNITIES, "status")
    assert found is not None
    assert (found.value, found.position) == ("open", position)
    assert [it.value for it in found.earlier] == ["lost", "open"]


def test_there_is_nothing_to_tell_of_what_is_not_there(store: MemoryEventStore) -> None:
    assert provenance(store, new_id(), OPPORTUNITIES, "name") is None
    assert provenance(store, ("New",), Board(), "opportunities", Cut(at=day(5))) is None
    with pytest.raises(NoSuchField, match="no field 'nmae'"):
        provenance(store, ID, OPPORTUNITIES, "nmae")


def test_a_timeline_is_read_from_the_log(store: MemoryEventStore) -> None:
    account, other = new_id(), new_id()
    for stream, subjects in ((ID, (account,)), (other, (account, other)), (other, (other,))):
        tell(store, stream, renamed("B"), subjects=subjects)
    assert [it.position for it in timeline(store, account)] == [7, 6]
    assert [it.position for it in timeline(store, other)] == [8, 7]
    assert [it.position for it in timeline(store, account, before=7, limit=1)] == [6]
    assert [it.position for it in timeline(store, account, Cut(knew=learned(store, 6)))] == [6]

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.kernel import Event
from domain.opportunities import (
    OpportunityAssigned,
    OpportunityLost,
    OpportunityOpened,
    OpportunityRenamed,
    OpportunityReopened,
    OpportunityStageChanged,
    OpportunityWon,
)
from tests.given import START, STREAM, row

PIPELINE, ADA, BOB = (UUID(int=n) for n in range(7, 10))
OPENED = OpportunityOpened(name="Engine", pipeline=PIPELINE, stage="new", owner=ADA)
TO_OFFER = OpportunityStageChanged(from_stage="new", to_stage="offer")


def _stays(*past: Event) -> list[tuple[Any, ...]]:
    """Each fact a day after the one before it."""
    spans = row("stage_spans", OPENED, *past).spans
    return [(s.n, s.stage, s.entered_at, s.left_at, s.left_for) for s in spans]


def _day(n: int) -> datetime:
    return START + timedelta(days=n)


def test_an_opportunity_stays_where_it_was_opened() -> None:
    found = row("stage_spans", OPENED, OpportunityRenamed(name="Big engine"))
    assert (found.opportunity, found.pipeline) == (STREAM, PIPELINE)
    assert _stays() == [(1, "new", START, None, None)]


def test_each_move_ends_a_stay_and_begins_one() -> None:
    back = OpportunityStageChanged(from_stage="offer", to_stage="new")
    assert _stays(TO_OFFER, back) == [
        (1, "new", _day(0), _day(1), "offer"),
        (2, "offer", _day(1), _day(2), "new"),
        (3, "new", _day(2), None, None),
    ]


def test_the_last_stay_ends_with_won_or_lost() -> None:
    assert _stays(OpportunityWon()) == [(1, "new", _day(0), _day(1), "won")]
    assert _stays(TO_OFFER, OpportunityLost(lost_reason="price"))[-1] == (
        2,
        "offer",
        _day(1),
        _day(2),
        "lost",
    )


def test_a_reopened_one_begins_another_stay() -> None:
    lost = OpportunityLost(lost_reason="price")
    assert _stays(lost, OpportunityReopened(stage="new")) == [
        (1, "new", _day(0), _day(1), "lost"),
        (2, "new", _day(2), None, None),
    ]


def test_a_stay_belongs_to_who_had_it_last() -> None:
    to_bob = OpportunityAssigned(owner=BOB)
    spans = row("stage_spans", OPENED, TO_OFFER, to_bob, OpportunityWon()).spans
    assert [span.owner for span in spans] == [ADA, BOB]
    after = row("stage_spans", OPENED, OpportunityWon(), to_bob, OpportunityReopened(stage="new"))
    assert [span.owner for span in after.spans] == [ADA, BOB]

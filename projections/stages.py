"""Where opportunities have been: every stay in a stage, from when until when, under whom.

The stays of one opportunity are one row, since a fact tells the stage that is left but not the
number of the stay in it; as a table they read ``views.stage_spans, jsonb_to_recordset(spans)``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.opportunities import (
    OpportunityAssigned,
    OpportunityContactJoined,
    OpportunityContactLeft,
    OpportunityExpectedCloseChanged,
    OpportunityLost,
    OpportunityOpened,
    OpportunityRenamed,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityStageChanged,
    OpportunityWon,
)
from projections.kit import Key, View, view


class StageSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One stay in one stage."""

    n: int
    """From 1, in the order of the log."""
    stage: str
    entered_at: datetime
    left_at: datetime | None = None
    left_for: str | None = None
    """The next stage, or won or lost."""
    owner: UUID | None = None
    """At the end of the stay, or now."""


class StageSpansRow(msgspec.Struct, frozen=True, kw_only=True):
    opportunity: UUID
    pipeline: UUID
    owner: UUID | None
    spans: tuple[StageSpan, ...]


@view
class StageSpans(View[StageSpansRow]):
    name = "stage_spans"
    version = 1
    row = StageSpansRow
    key = ("opportunity",)
    reads = (
        OpportunityOpened,
        OpportunityStageChanged,
        OpportunityAssigned,
        OpportunityWon,
        OpportunityLost,
        OpportunityReopened,
    )
    ignores = (
        OpportunityRenamed,
        OpportunityRevalued,
        OpportunityExpectedCloseChanged,
        OpportunityContactJoined,
        OpportunityContactLeft,
    )
    indexes = ("pipeline",)

    def evolve(
        self, row: StageSpansRow | None, it: Recorded[Any], key: Key
    ) -> StageSpansRow | None:
        if isinstance(it.event, OpportunityOpened):
            return _opened(it)
        return row and _after(row, it)


def _opened(it: Recorded[OpportunityOpened]) -> StageSpansRow:
    fact = it.event
    first = StageSpan(n=1, stage=fact.stage, entered_at=it.occurred_at, owner=fact.owner)
    return StageSpansRow(
        opportunity=it.stream, pipeline=fact.pipeline, owner=fact.owner, spans=(first,)
    )


def _after(row: StageSpansRow, it: Recorded[Any]) -> StageSpansRow:
    match it.event:
        case OpportunityStageChanged(to_stage=stage) | OpportunityReopened(stage=stage):
            return _enter(_leave(row, it, stage), it, stage)
        case OpportunityWon():
            return _leave(row, it, "won")
        case OpportunityLost():
            return _leave(row, it, "lost")
        case OpportunityAssigned(owner=owner):
            return _last(replace(row, owner=owner), owner=owner)
        case _:
            return row


def _leave(row: StageSpansRow, it: Recorded[Any], to: str) -> StageSpansRow:
    return _last(row, left_at=it.occurred_at, left_for=to)


def _enter(row: StageSpansRow, it: Recorded[Any], stage: str) -> StageSpansRow:
    n = len(row.spans) + 1
    span = StageSpan(n=n, stage=stage, entered_at=it.occurred_at, owner=row.owner)
    return replace(row, spans=(*row.spans, span))


def _last(row: StageSpansRow, **changes: Any) -> StageSpansRow:
    """The last stay with the changes, unless it has ended."""
    *past, last = row.spans
    if last.left_at is not None:
        return row
    return replace(row, spans=(*past, replace(last, **changes)))

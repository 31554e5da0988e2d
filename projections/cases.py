"""Cases as people look at them: one row each, with the times that service is measured by."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.cases import (
    CaseAssigned,
    CaseClosed,
    CaseOpened,
    CasePriorityChanged,
    CaseRated,
    CaseReopened,
    CaseResolved,
    CaseResumed,
    CaseStarted,
    CaseStatusLogged,
    CaseWaiting,
    Phase,
    phase_after,
    waiting_on,
)
from domain.kernel import Recorded
from projections.kit import Key, View, view

UNTOUCHED: frozenset[Phase] = frozenset({"new", "assigned"})
DONE: frozenset[Phase] = frozenset({"resolved", "closed"})


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    number: str | None
    subject: str
    phase: Phase
    status: str | None
    """The last word of the other system, where one keeps the log."""
    waiting_on: str | None
    """customer, vendor or internal, while it waits"""
    priority: str | None
    channel: str | None
    kind: str | None
    account: UUID | None
    contact: UUID | None
    product: UUID | None
    owner: UUID | None
    team: str | None
    worker: str | None
    """Who worked on it last in the other system."""
    description: str | None
    resolution: str | None
    score: int | None
    scale_max: int | None
    comment: str | None
    external_id: str | None
    opened_at: datetime
    first_response_at: datetime | None
    """When it left new and assigned for the first time: the first sign of work on it."""
    resolved_at: datetime | None
    closed_at: datetime | None
    waiting_since: datetime | None
    waiting_seconds: int
    """In all the waits that have ended."""
    wait_count: int
    reopened_count: int
    changed_at: datetime


@view
class Cases(View[CaseRow]):
    name = "cases"
    version = 2
    row = CaseRow
    reads = (
        CaseOpened,
        CasePriorityChanged,
        CaseAssigned,
        CaseStarted,
        CaseWaiting,
        CaseResumed,
        CaseResolved,
        CaseReopened,
        CaseClosed,
        CaseRated,
        CaseStatusLogged,
    )
    indexes = (
        "phase, opened_at, id",
        "phase, changed_at DESC, id",
        "owner, phase",
        "contact",
        "account",
        "changed_at, id",
    )

    def evolve(self, row: CaseRow | None, it: Recorded[Any], key: Key) -> CaseRow | None:
        fact = it.event
        if isinstance(fact, CaseOpened):
            return _opened(it)
        if row is None:
            return None
        changes = _moves(row, it) | _said(fact)
        return replace(row, **changes, version=it.version, changed_at=it.occurred_at)


def _opened(it: Recorded[CaseOpened]) -> CaseRow:
    return CaseRow(
        **msgspec.structs.asdict(it.event),
        id=it.stream,
        version=it.version,
        phase=phase_after("new", it.event),
        status=None,
        waiting_on=None,
        team=None,
        worker=None,
        resolution=None,
        score=None,
        scale_max=None,
        comment=None,
        opened_at=it.occurred_at,
        first_response_at=None,
        resolved_at=None,
        closed_at=None,
        waiting_since=None,
        waiting_seconds=0,
        wait_count=0,
        reopened_count=0,
        changed_at=it.occurred_at,
    )


def _said(fact: Any) -> dict[str, Any]:
    match fact:
        case CasePriorityChanged(priority=priority):
            return {"priority": priority}
        case CaseAssigned(owner=owner, team=team):
            return {"owner": owner, "team": team}
        case CaseResolved(resolution=resolution):
            return {"resolution": resolution}
        case CaseRated(score=score, scale_max=scale_max, comment=comment):
            return {"score": score, "scale_max": scale_max, "comment": comment}
        case CaseStatusLogged(status=status, worker=worker):
            return {"status": status, "worker": worker}
        case _:
            return {}


def _moves(row: CaseRow, it: Recorded[Any]) -> dict[str, Any]:
    """What the fact does to the phase of the case, and to the times that hang on it."""
    phase = phase_after(row.phase, it.event)
    if phase == row.phase:
        return _waits_on(it) if phase == "waiting" else {}
    moves: dict[str, Any] = {"phase": phase, **_wait(row, phase, it)}
    if row.first_response_at is None and phase not in UNTOUCHED:
        moves["first_response_at"] = it.occurred_at
    if phase in DONE:
        moves[f"{phase}_at"] = it.occurred_at
    elif row.phase in DONE:
        reopened = row.reopened_count + 1
        moves |= {"resolved_at": None, "closed_at": None, "reopened_count": reopened}
    return moves


def _wait(row: CaseRow, phase: Phase, it: Recorded[Any]) -> dict[str, Any]:
    """A wait that begins with the fact, or one that ends with it."""
    if phase == "waiting":
        begins = {"waiting_since": it.occurred_at, "wait_count": row.wait_count + 1}
        return begins | {"waiting_on": waiting_on(it.event)}
    if row.waiting_since is None:
        return {}
    waited = int((it.occurred_at - row.waiting_since).total_seconds())
    return {
        "waiting_on": None,
        "waiting_since": None,
        # Facts entered afterwards may lie before the wait began.
        "waiting_seconds": row.waiting_seconds + max(waited, 0),
    }


def _waits_on(it: Recorded[Any]) -> dict[str, Any]:
    """The wait goes on, for somebody else perhaps; ratings and the like do not touch it."""
    if isinstance(it.event, CaseWaiting | CaseStatusLogged):
        return {"waiting_on": waiting_on(it.event)}
    return {}

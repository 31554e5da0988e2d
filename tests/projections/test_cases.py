from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

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
)
from domain.kernel import Event
from tests.given import START, row

ADA = UUID(int=9)
DAY = 24 * 3600
OPENED = CaseOpened(subject="It squeaks", priority="low")


def _case(*past: Event) -> Any:
    """Each fact a day after the one before it."""
    return row("cases", OPENED, *past)


def _day(n: int) -> datetime:
    return START + timedelta(days=n)


def _logged(phase: Any, status: str = "Odd", on: Any = None) -> CaseStatusLogged:
    return CaseStatusLogged(status=status, phase=phase, waiting_on=on, worker="Anne")


def test_a_case_is_new_until_somebody_has_it() -> None:
    assert _case().phase == "new"
    assert row("cases", CaseOpened(subject="It squeaks", owner=ADA)).phase == "assigned"
    assigned = _case(CaseAssigned(owner=ADA, team="Wheels"))
    assert (assigned.phase, assigned.owner, assigned.team) == ("assigned", ADA, "Wheels")
    assert assigned.first_response_at is None


def test_the_first_sign_of_work_is_the_first_response() -> None:
    assert _case(CaseAssigned(owner=ADA), CaseStarted()).first_response_at == _day(2)
    assert _case(CaseResolved(), CaseReopened(), CaseStarted()).first_response_at == _day(1)


def test_waiting_time_adds_up() -> None:
    case = _case(CaseWaiting(on="customer"), CaseResumed(), CaseWaiting(on="vendor"))
    assert (case.phase, case.waiting_on, case.waiting_since) == ("waiting", "vendor", _day(3))
    assert (case.waiting_seconds, case.wait_count) == (DAY, 2)
    ended = _case(CaseWaiting(on="customer"), CaseWaiting(on="vendor"), CaseResolved())
    assert (ended.waiting_seconds, ended.wait_count) == (2 * DAY, 1)
    assert (ended.waiting_on, ended.waiting_since) == (None, None)


def test_what_does_not_move_a_case_does_not_end_its_wait() -> None:
    case = _case(
        CaseWaiting(on="customer"),
        CasePriorityChanged(priority="urgent"),
        CaseRated(score=1, scale_max=5),
    )
    assert (case.phase, case.waiting_on, case.waiting_since) == ("waiting", "customer", _day(1))
    assert (case.priority, case.score, case.scale_max) == ("urgent", 1, 5)


def test_a_case_is_resolved_closed_and_reopened() -> None:
    closed = _case(CaseStarted(), CaseResolved(resolution="Oiled"), CaseClosed())
    assert (closed.phase, closed.resolved_at, closed.closed_at) == ("closed", _day(2), _day(3))
    assert (closed.resolution, closed.reopened_count) == ("Oiled", 0)
    again = _case(CaseResolved(), CaseClosed(), CaseReopened())
    assert (again.phase, again.resolved_at, again.closed_at) == ("in_progress", None, None)
    assert again.reopened_count == 1


def test_another_systems_log_moves_a_case_in_its_own_words() -> None:
    case = _case(
        _logged("in_progress", "Accepted+In Progress"),
        _logged("in_progress", "Accepted+In Progress"),
        _logged("waiting", "Accepted+Wait - User", "customer"),
        _logged("resolved", "Completed+Resolved"),
        _logged("in_progress", "Accepted+In Progress"),
        _logged("closed", "Completed+Closed"),
    )
    assert (case.phase, case.status, case.worker) == ("closed", "Completed+Closed", "Anne")
    assert (case.first_response_at, case.closed_at) == (_day(1), _day(6))
    assert (case.wait_count, case.waiting_seconds, case.reopened_count) == (1, DAY, 1)
    assert case.version == 7


def test_a_case_that_was_never_opened_is_no_row() -> None:
    assert row("cases", CaseClosed()) is None

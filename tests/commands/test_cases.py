from __future__ import annotations

from typing import Any, get_args
from uuid import UUID

import pytest
from pydantic import ValidationError

from commands.cases import (
    AssignCase,
    ChangeCasePriority,
    CloseCase,
    HoldCase,
    LogCaseStatus,
    OpenCase,
    RateCase,
    ReopenCase,
    ResolveCase,
    ResumeCase,
    StartCase,
)
from domain.cases import (
    AssigneeMissing,
    CaseAssigned,
    CaseClosed,
    CaseExists,
    CaseIsDone,
    CaseIsNotWaiting,
    CaseIsOpen,
    CaseOpened,
    CasePriorityChanged,
    CaseRated,
    CaseReopened,
    CaseResolved,
    CaseResumed,
    CaseStarted,
    CaseStatusLogged,
    CaseWaiting,
    NoSuchCase,
    Phase,
    ScoreOffScale,
)
from domain.kernel import Event
from tests.given import STREAM, given

CONTACT, ACCOUNT, ADA, BOB = (UUID(int=n) for n in range(7, 11))
OPENED = CaseOpened(subject="It squeaks", priority="high", contact=CONTACT, account=ACCOUNT)
STARTED, RESOLVED, CLOSED = CaseStarted(), CaseResolved(resolution="Oiled"), CaseClosed()
WAITING = CaseWaiting(on="customer", note="Which wheel?")
LOGGED = CaseStatusLogged(status="Accepted+In Progress", phase="in_progress", worker="Anne")


def _open(**said: Any) -> OpenCase:
    asked: dict[str, Any] = {
        "subject": "It squeaks",
        "priority": "high",
        "contact": CONTACT,
        "account": ACCOUNT,
    }
    return OpenCase(case=STREAM, **(asked | said))


def _hold(on: Any = "customer") -> HoldCase:
    return HoldCase(case=STREAM, on=on, note="Which wheel?")


def test_a_case_is_opened() -> None:
    given().when(_open()).then(OPENED).concerning(CONTACT, ACCOUNT)


def test_opening_it_again_is_nothing_to_do() -> None:
    given(OPENED).when(_open(priority="low", contact=None)).then()


def test_another_case_is_not_opened_over_it() -> None:
    given(OPENED).when(_open(subject="It smokes")).refused(CaseExists, subject="It squeaks")


def test_a_case_becomes_more_urgent() -> None:
    given(OPENED).when(ChangeCasePriority(case=STREAM, priority="urgent")).then(
        CasePriorityChanged(priority="urgent")
    )
    given(OPENED).when(ChangeCasePriority(case=STREAM, priority="high")).then()


def test_a_case_is_assigned_to_a_member_a_team_or_both() -> None:
    given(OPENED).when(AssignCase(case=STREAM, owner=ADA)).then(CaseAssigned(owner=ADA))
    given(OPENED).when(AssignCase(case=STREAM, team="Wheels")).then(CaseAssigned(team="Wheels"))
    given(OPENED, CaseAssigned(owner=ADA)).when(
        AssignCase(case=STREAM, owner=ADA, team="Wheels")
    ).then(CaseAssigned(owner=ADA, team="Wheels"))


def test_assigning_it_to_those_who_have_it_is_nothing_to_do() -> None:
    given(OPENED, CaseAssigned(owner=ADA)).when(AssignCase(case=STREAM, owner=ADA)).then()


def test_it_is_assigned_to_somebody() -> None:
    given(OPENED).when(AssignCase(case=STREAM)).refused(AssigneeMissing)


def test_work_begins_once() -> None:
    given(OPENED).when(StartCase(case=STREAM)).then(STARTED)
    given(OPENED, STARTED).when(StartCase(case=STREAM)).then()


def test_work_waits_and_goes_on() -> None:
    given(OPENED, STARTED).when(_hold()).then(WAITING)
    given(OPENED, WAITING).when(_hold()).then()
    given(OPENED, WAITING).when(_hold("vendor")).then(CaseWaiting(on="vendor", note="Which wheel?"))
    given(OPENED, WAITING).when(ResumeCase(case=STREAM)).then(CaseResumed())
    given(OPENED, WAITING, CaseResumed()).when(ResumeCase(case=STREAM)).then()


def test_what_does_not_wait_is_not_resumed() -> None:
    given(OPENED).when(ResumeCase(case=STREAM)).refused(CaseIsNotWaiting)


def test_a_case_is_resolved_closed_and_taken_up_again() -> None:
    given(OPENED).when(ResolveCase(case=STREAM, resolution="Oiled")).then(RESOLVED)
    given(OPENED, RESOLVED).when(ResolveCase(case=STREAM)).then()
    given(OPENED, RESOLVED).when(CloseCase(case=STREAM)).then(CLOSED)
    given(OPENED, CLOSED).when(CloseCase(case=STREAM)).then()
    given(OPENED, RESOLVED).when(ReopenCase(case=STREAM)).then(CaseReopened())
    given(OPENED, CLOSED).when(ReopenCase(case=STREAM)).then(CaseReopened())
    given(OPENED, CLOSED, CaseReopened()).when(ResolveCase(case=STREAM)).then(CaseResolved())


def test_an_open_case_is_not_reopened() -> None:
    given(OPENED, WAITING).when(ReopenCase(case=STREAM)).refused(CaseIsOpen)


@pytest.mark.parametrize(
    "ask",
    [
        AssignCase(case=STREAM, owner=BOB),
        StartCase(case=STREAM),
        _hold(),
        ResumeCase(case=STREAM),
        ResolveCase(case=STREAM),
    ],
)
def test_a_closed_case_stays_as_it_is(ask: Any) -> None:
    given(OPENED, CLOSED).when(ask).refused(CaseIsDone, phase="closed")


def test_a_case_is_rated() -> None:
    given(OPENED, CLOSED).when(RateCase(case=STREAM, score=4, comment="Quick")).then(
        CaseRated(score=4, scale_max=5, comment="Quick")
    )
    given(OPENED, CaseRated(score=4, scale_max=5)).when(RateCase(case=STREAM, score=4)).then()
    given(OPENED, CaseRated(score=4, scale_max=5)).when(RateCase(case=STREAM, score=2)).then(
        CaseRated(score=2, scale_max=5)
    )


def test_a_score_is_on_its_scale() -> None:
    given(OPENED).when(RateCase(case=STREAM, score=6)).refused(ScoreOffScale, score=6, scale_max=5)
    with pytest.raises(ValidationError):
        RateCase(case=STREAM, score=-1)


@pytest.mark.parametrize("phase", get_args(Phase))
@pytest.mark.parametrize("past", [(), (STARTED,), (WAITING,), (RESOLVED,), (CLOSED,)])
def test_another_systems_log_leads_from_any_phase_to_any_other(
    past: tuple[Event, ...], phase: Phase
) -> None:
    given(OPENED, *past).when(LogCaseStatus(case=STREAM, status="Odd", phase=phase)).then(
        CaseStatusLogged(status="Odd", phase=phase)
    )


def test_a_line_that_repeats_the_last_one_is_a_fact() -> None:
    given(OPENED, LOGGED).when(
        LogCaseStatus(
            case=STREAM, status="Accepted+In Progress", phase="in_progress", worker="Anne"
        )
    ).then(LOGGED).concerning(CONTACT, ACCOUNT)


def test_what_was_logged_counts_for_what_comes_after() -> None:
    waits = CaseStatusLogged(status="Wait - User", phase="waiting", waiting_on="customer")
    given(OPENED, waits).when(_hold()).then()
    given(OPENED, waits).when(ResumeCase(case=STREAM)).then(CaseResumed())


@pytest.mark.parametrize(
    "ask",
    [
        ChangeCasePriority(case=STREAM, priority="low"),
        AssignCase(case=STREAM, owner=ADA),
        StartCase(case=STREAM),
        _hold(),
        ResumeCase(case=STREAM),
        ResolveCase(case=STREAM),
        ReopenCase(case=STREAM),
        CloseCase(case=STREAM),
        RateCase(case=STREAM, score=1),
        LogCaseStatus(case=STREAM, status="Odd", phase="new"),
    ],
)
def test_a_case_that_is_not_there(ask: Any) -> None:
    given().when(ask).refused(NoSuchCase)


def test_closing_an_old_version_conflicts() -> None:
    given(OPENED, WAITING).when(CloseCase(case=STREAM), seen=1).conflicts()

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from commands.about import NoSuchNoun
from commands.desk import NoSuchRecord
from commands.tasks import (
    AssignTask,
    ClearReminder,
    DropTask,
    FinishTask,
    PlanTask,
    ReopenTask,
    RescheduleTask,
    SetReminder,
)
from domain.accounts import AccountOpened
from domain.contacts import ContactAdded
from domain.opportunities import OpportunityOpened
from domain.tasks import (
    NoSuchTask,
    ReminderAfterDue,
    TaskAssigned,
    TaskDone,
    TaskDropped,
    TaskExists,
    TaskIsClosed,
    TaskIsOpen,
    TaskPlanned,
    TaskReminderCleared,
    TaskReminderSet,
    TaskReopened,
    TaskRescheduled,
)
from tests.given import STREAM, given, on

CONTACT, ACCOUNT, DEAL, ADA, BOB = (UUID(int=n) for n in range(7, 12))
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATER, SOONER = NOON + timedelta(hours=2), NOON - timedelta(hours=2)
PEOPLE = (
    on(CONTACT, ContactAdded(last_name="Lovelace")),
    on(ACCOUNT, AccountOpened(name="Engines Ltd")),
)
OPENED = on(
    DEAL,
    OpportunityOpened(
        name="Engine", pipeline=UUID(int=99), stage="new", account=ACCOUNT, contact=CONTACT
    ),
)
PLANNED = TaskPlanned(subject="Call back", due=NOON, remind_at=SOONER, contact=CONTACT)
DONE, DROPPED = TaskDone(result="Agreed"), TaskDropped(drop_reason="gone")


def _plan(**said: Any) -> PlanTask:
    asked: dict[str, Any] = {"subject": "Call back", "due": NOON}
    return PlanTask(task=STREAM, **(asked | said))


def test_a_task_is_planned() -> None:
    given().when(_plan(remind_at=SOONER, contact=CONTACT)).then(PLANNED).concerning(CONTACT)


def test_a_task_needs_no_customer() -> None:
    given().when(_plan()).then(TaskPlanned(subject="Call back", due=NOON)).concerning()


def test_a_task_about_an_opportunity_concerns_its_customers() -> None:
    given(*PEOPLE, OPENED).when(_plan(about=DEAL, noun="opportunity")).then(
        TaskPlanned(
            subject="Call back",
            due=NOON,
            about=DEAL,
            noun="opportunity",
            contact=CONTACT,
            account=ACCOUNT,
        )
    ).concerning(CONTACT, ACCOUNT)


def test_whom_the_planner_names_comes_first() -> None:
    given(*PEOPLE, OPENED).when(_plan(about=DEAL, noun="opportunity", contact=BOB)).then(
        TaskPlanned(
            subject="Call back",
            due=NOON,
            about=DEAL,
            noun="opportunity",
            contact=BOB,
            account=ACCOUNT,
        )
    )


def test_what_it_is_about_has_to_be_there() -> None:
    given().when(_plan(about=DEAL, noun="opportunity")).refused(NoSuchRecord)
    given(OPENED).when(_plan(about=DEAL)).refused(NoSuchNoun)


def test_times_are_kept_in_utc() -> None:
    berlin = datetime(2024, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    assert _plan(due=berlin).due.tzinfo is UTC
    given().when(_plan(due=berlin)).then(TaskPlanned(subject="Call back", due=NOON))


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValidationError):
        _plan(due="2024-03-01T12:00:00")


def test_planning_twice_is_planning_once() -> None:
    given(PLANNED).when(_plan()).then()


def test_another_task_is_not_planned_over_it() -> None:
    given(PLANNED).when(_plan(subject="Write")).refused(TaskExists, subject="Call back")


def test_a_reminder_comes_before_the_task_is_due() -> None:
    given().when(_plan(remind_at=LATER)).refused(ReminderAfterDue)
    given(PLANNED).when(SetReminder(task=STREAM, remind_at=LATER)).refused(ReminderAfterDue)
    given(PLANNED).when(RescheduleTask(task=STREAM, due=SOONER - timedelta(minutes=1))).refused(
        ReminderAfterDue
    )


def test_a_reminder_may_come_when_the_task_is_due() -> None:
    given(PLANNED).when(SetReminder(task=STREAM, remind_at=NOON)).then(
        TaskReminderSet(remind_at=NOON)
    )


def test_a_task_is_rescheduled() -> None:
    given(PLANNED).when(RescheduleTask(task=STREAM, due=LATER)).then(TaskRescheduled(due=LATER))


def test_a_reminder_is_cleared_once() -> None:
    given(PLANNED).when(ClearReminder(task=STREAM)).then(TaskReminderCleared())
    given(PLANNED, TaskReminderCleared()).when(ClearReminder(task=STREAM)).then()


def test_a_task_is_handed_on() -> None:
    given(PLANNED).when(AssignTask(task=STREAM, assignee=ADA)).then(TaskAssigned(assignee=ADA))
    given(PLANNED, TaskAssigned(assignee=ADA)).when(AssignTask(task=STREAM, assignee=BOB)).then(
        TaskAssigned(assignee=BOB)
    )


def test_a_task_is_done_with_a_result() -> None:
    given(PLANNED).when(FinishTask(task=STREAM, result="Agreed")).then(DONE)


def test_a_task_is_given_up() -> None:
    given(PLANNED).when(DropTask(task=STREAM, drop_reason="gone")).then(DROPPED)


def test_a_task_is_taken_up_again() -> None:
    given(PLANNED, DONE).when(ReopenTask(task=STREAM)).then(TaskReopened())
    given(PLANNED, DROPPED).when(ReopenTask(task=STREAM)).then(TaskReopened())
    given(PLANNED, DONE, TaskReopened()).when(DropTask(task=STREAM)).then(TaskDropped())


def test_an_open_task_is_not_reopened() -> None:
    given(PLANNED).when(ReopenTask(task=STREAM)).refused(TaskIsOpen)


@pytest.mark.parametrize(
    ("past", "ask"),
    [
        ((), RescheduleTask(task=STREAM, due=NOON)),
        ((), SetReminder(task=STREAM, remind_at=SOONER)),
        ((TaskAssigned(assignee=ADA),), AssignTask(task=STREAM, assignee=ADA)),
        ((DONE,), FinishTask(task=STREAM)),
        ((DROPPED,), DropTask(task=STREAM)),
    ],
)
def test_what_is_so_already_is_nothing_to_do(past: Any, ask: Any) -> None:
    given(PLANNED, *past).when(ask).then()


@pytest.mark.parametrize(
    "ask",
    [
        RescheduleTask(task=STREAM, due=LATER),
        SetReminder(task=STREAM, remind_at=NOON),
        AssignTask(task=STREAM, assignee=ADA),
        DropTask(task=STREAM),
    ],
)
def test_a_task_that_is_done_stays_as_it_is(ask: Any) -> None:
    given(PLANNED, DONE).when(ask).refused(TaskIsClosed, status="done")


def test_a_task_that_was_dropped_is_not_done() -> None:
    given(PLANNED, DROPPED).when(FinishTask(task=STREAM)).refused(TaskIsClosed, status="dropped")


@pytest.mark.parametrize(
    "ask",
    [
        RescheduleTask(task=STREAM, due=LATER),
        SetReminder(task=STREAM, remind_at=NOON),
        ClearReminder(task=STREAM),
        AssignTask(task=STREAM, assignee=ADA),
        FinishTask(task=STREAM),
        DropTask(task=STREAM),
        ReopenTask(task=STREAM),
    ],
)
def test_a_task_that_is_not_there(ask: Any) -> None:
    given().when(ask).refused(NoSuchTask)


def test_finishing_an_old_version_conflicts() -> None:
    given(PLANNED, TaskRescheduled(due=LATER)).when(FinishTask(task=STREAM), seen=1).conflicts()

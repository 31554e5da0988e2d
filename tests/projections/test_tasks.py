from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.tasks import (
    TaskAssigned,
    TaskDone,
    TaskDropped,
    TaskPlanned,
    TaskReminderCleared,
    TaskReminderSet,
    TaskReopened,
    TaskRescheduled,
)
from tests.given import START, row

ADA = UUID(int=9)
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)
PLANNED = TaskPlanned(subject="Call back", due=NOON, kind="call", note="About prices")


def test_a_planned_task_is_open() -> None:
    task = row("tasks", PLANNED)
    assert (task.subject, task.kind, task.status, task.due) == ("Call back", "call", "open", NOON)
    assert (task.planned_by, task.planned_at, task.closed_at) == ("past", START, None)


def test_its_times_and_its_assignee_change() -> None:
    past = (PLANNED, TaskRescheduled(due=LATER), TaskReminderSet(remind_at=NOON))
    task = row("tasks", *past, TaskAssigned(assignee=ADA))
    assert (task.due, task.remind_at, task.assignee) == (LATER, NOON, ADA)
    assert row("tasks", *past, TaskReminderCleared()).remind_at is None


def test_it_is_done_dropped_or_open_again() -> None:
    done = row("tasks", PLANNED, TaskDone(result="Agreed"))
    assert (done.status, done.result, done.closed_at) == (
        "done",
        "Agreed",
        START + timedelta(days=1),
    )
    dropped = row("tasks", PLANNED, TaskDropped(drop_reason="gone"))
    assert (dropped.status, dropped.drop_reason) == ("dropped", "gone")
    again = row("tasks", PLANNED, TaskDone(result="Agreed"), TaskReopened())
    assert (again.status, again.result, again.closed_at) == ("open", None, None)

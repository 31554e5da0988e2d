"""A task: something to be done by somebody until some time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from domain.kernel import Aggregate, Event, Personal, Refused, event, some

TaskStatus = Literal["open", "done", "dropped"]

# --- Events: stored as written; change them only by adding a version.


@event("task.planned", summary="planned “{subject}” until {due}")
class TaskPlanned(Event):
    subject: str
    due: datetime
    kind: str | None = None
    """call, meeting, e-mail, to-do"""
    remind_at: datetime | None = None
    assignee: UUID | None = None
    about: UUID | None = None
    """Any record."""
    noun: str | None = None
    """What kind of record that is: ``opportunity``."""
    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None
    note: Personal[str] | None = None


@event("task.rescheduled", summary="due at {due} now")
class TaskRescheduled(Event):
    due: datetime


@event("task.reminder_set", summary="reminder set for {remind_at}")
class TaskReminderSet(Event):
    remind_at: datetime


@event("task.reminder_cleared", summary="no reminder any more")
class TaskReminderCleared(Event):
    pass


@event("task.assigned", summary="handed to another member")
class TaskAssigned(Event):
    assignee: UUID


@event("task.done", summary="done: {result}")
class TaskDone(Event):
    result: Personal[str] | None = None


@event("task.dropped", summary="dropped: {drop_reason}")
class TaskDropped(Event):
    drop_reason: str | None = None


@event("task.reopened", summary="to be done after all")
class TaskReopened(Event):
    pass


TaskEvent = (
    TaskPlanned
    | TaskRescheduled
    | TaskReminderSet
    | TaskReminderCleared
    | TaskAssigned
    | TaskDone
    | TaskDropped
    | TaskReopened
)

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Task:
    subject: str | None = None
    status: TaskStatus = "open"
    due: datetime | None = None
    remind_at: datetime | None = None
    assignee: UUID | None = None
    concerns: tuple[UUID, ...] = ()
    person: UUID | None = None
    """Whom it concerns above all."""


def evolve(it: Task, fact: TaskEvent) -> Task:
    match fact:
        case TaskPlanned():
            return _planned(fact)
        case TaskRescheduled():
            return replace(it, due=fact.due)
        case TaskReminderSet():
            return replace(it, remind_at=fact.remind_at)
        case TaskReminderCleared():
            return replace(it, remind_at=None)
        case TaskAssigned():
            return replace(it, assignee=fact.assignee)
        case TaskDone():
            return replace(it, status="done")
        case TaskDropped():
            return replace(it, status="dropped")
        case TaskReopened():
            return replace(it, status="open")
        case _:
            assert_never(fact)


def _planned(fact: TaskPlanned) -> Task:
    return Task(
        subject=fact.subject,
        due=fact.due,
        remind_at=fact.remind_at,
        assignee=fact.assignee,
        concerns=some(fact.contact, fact.account, fact.lead),
        person=fact.contact or fact.lead or fact.account,
    )


def subjects(it: Task) -> tuple[UUID, ...]:
    return it.concerns


def person(it: Task) -> UUID | None:
    return it.person


TASK = Aggregate("task", Task(), evolve, subjects, person=person)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchTask(Refused):
    """There is no such task."""


class TaskExists(Refused):
    """This task has been planned already, as “{subject}”."""


class TaskIsClosed(Refused):
    """The task is {status}. Reopen it first."""


class TaskIsOpen(Refused):
    """The task is open; there is nothing to reopen."""


class ReminderAfterDue(Refused):
    """A reminder at {remind_at} would come after the task is due, at {due}."""


def plan(it: Task, fact: TaskPlanned) -> list[TaskEvent]:
    if it.subject is not None:
        if it.subject == fact.subject:
            return []
        raise TaskExists(subject=it.subject)
    _check_reminder(fact.remind_at, fact.due)
    return [fact]


def reschedule(it: Task, *, due: datetime) -> list[TaskEvent]:
    _must_be_open(it)
    if it.due == due:
        return []
    _check_reminder(it.remind_at, due)
    return [TaskRescheduled(due=due)]


def set_reminder(it: Task, *, remind_at: datetime) -> list[TaskEvent]:
    _must_be_open(it)
    if it.remind_at == remind_at:
        return []
    _check_reminder(remind_at, it.due)
    return [TaskReminderSet(remind_at=remind_at)]


def clear_reminder(it: Task) -> list[TaskEvent]:
    _must_exist(it)
    return [] if it.remind_at is None else [TaskReminderCleared()]


def assign(it: Task, *, assignee: UUID) -> list[TaskEvent]:
    _must_be_open(it)
    return [] if it.assignee == assignee else [TaskAssigned(assignee=assignee)]


def finish(it: Task, *, result: str | None) -> list[TaskEvent]:
    _must_exist(it)
    if it.status == "done":
        return []
    _must_be_open(it)
    return [TaskDone(result=result)]


def drop(it: Task, *, drop_reason: str | None) -> list[TaskEvent]:
    _must_exist(it)
    if it.status == "dropped":
        return []
    _must_be_open(it)
    return [TaskDropped(drop_reason=drop_reason)]


def reopen(it: Task) -> list[TaskEvent]:
    _must_exist(it)
    if it.status == "open":
        raise TaskIsOpen
    return [TaskReopened()]


def _must_exist(it: Task) -> None:
    if it.subject is None:
        raise NoSuchTask


def _must_be_open(it: Task) -> None:
    _must_exist(it)
    if it.status != "open":
        raise TaskIsClosed(status=it.status)


def _check_reminder(remind_at: datetime | None, due: datetime | None) -> None:
    if remind_at is not None and due is not None and remind_at > due:
        raise ReminderAfterDue(field="remind_at", remind_at=remind_at, due=due)

"""What one may ask of a task."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from commands.about import Concerned, concerned
from commands.desk import Desk
from commands.fields import Name, Text
from commands.registry import Command, handles
from domain import tasks
from domain.kernel import new_id
from domain.tasks import TASK, TaskPlanned


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class PlanTask(Command, name="plan-task"):
    """Plans something to be done, about any record, until some time."""

    task: UUID = Field(default_factory=new_id)
    subject: Name
    due: Moment
    kind: Name | None = Field(default=None, description="call, meeting, e-mail, to-do")
    remind_at: Moment | None = None
    assignee: UUID | None = None
    about: UUID | None = None
    noun: Name | None = Field(
        default=None, description="What kind of record it is about: opportunity."
    )
    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None
    note: Text | None = None


class RescheduleTask(Command, name="reschedule-task"):
    """Gives a task another due time."""

    task: UUID
    due: Moment


class SetReminder(Command, name="set-reminder"):
    """Sets when a task is to be brought to mind, before it is due."""

    task: UUID
    remind_at: Moment


class ClearReminder(Command, name="clear-reminder"):
    """Takes the reminder off a task."""

    task: UUID


class AssignTask(Command, name="assign-task"):
    """Hands a task to a member."""

    task: UUID
    assignee: UUID


class FinishTask(Command, name="finish-task"):
    """Marks a task as done, with what came of it."""

    task: UUID
    result: Text | None = None


class DropTask(Command, name="drop-task"):
    """Gives a task up."""

    task: UUID
    drop_reason: Name | None = None


class ReopenTask(Command, name="reopen-task"):
    """Takes a task up again that was done or dropped."""

    task: UUID


def _concerned(ask: PlanTask, desk: Desk) -> Concerned:
    """Whom the task concerns: those named, else those whom its record concerns."""
    if ask.about is None:
        return Concerned(ask.contact, ask.account, ask.lead)
    whom = concerned(desk, ask.noun, ask.about)
    return Concerned(
        ask.contact or whom.contact, ask.account or whom.account, ask.lead or whom.lead
    )


@handles(PlanTask)
def plan_task(ask: PlanTask, desk: Desk) -> None:
    whom = _concerned(ask, desk)
    fact = TaskPlanned(
        subject=ask.subject,
        due=ask.due,
        kind=ask.kind,
        remind_at=ask.remind_at,
        assignee=ask.assignee,
        about=ask.about,
        noun=ask.noun,
        contact=whom.contact,
        account=whom.account,
        lead=whom.lead,
        note=ask.note,
    )
    desk.change(TASK, ask.task, lambda it: tasks.plan(it, fact))


@handles(RescheduleTask)
def reschedule_task(ask: RescheduleTask, desk: Desk) -> None:
    desk.change(TASK, ask.task, lambda it: tasks.reschedule(it, due=ask.due))


@handles(SetReminder)
def set_reminder(ask: SetReminder, desk: Desk) -> None:
    desk.change(TASK, ask.task, lambda it: tasks.set_reminder(it, remind_at=ask.remind_at))


@handles(ClearReminder)
def clear_reminder(ask: ClearReminder, desk: Desk) -> None:
    desk.change(TASK, ask.task, tasks.clear_reminder)


@handles(AssignTask)
def assign_task(ask: AssignTask, desk: Desk) -> None:
    desk.change(TASK, ask.task, lambda it: tasks.assign(it, assignee=ask.assignee))


@handles(FinishTask)
def finish_task(ask: FinishTask, desk: Desk) -> None:
    desk.change(TASK, ask.task, lambda it: tasks.finish(it, result=ask.result))


@handles(DropTask)
def drop_task(ask: DropTask, desk: Desk) -> None:
    desk.change(TASK, ask.task, lambda it: tasks.drop(it, drop_reason=ask.drop_reason))


@handles(ReopenTask)
def reopen_task(ask: ReopenTask, desk: Desk) -> None:
    desk.change(TASK, ask.task, tasks.reopen)

"""Tasks as people look at them: one row each, open, done or dropped."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.kernel import Recorded
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
from projections.kit import Key, View, view


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    subject: str
    kind: str | None
    status: str
    """open, done or dropped"""
    due: datetime
    remind_at: datetime | None
    assignee: UUID | None
    about: UUID | None
    noun: str | None
    """What kind of record it is about."""
    contact: UUID | None
    account: UUID | None
    lead: UUID | None
    note: str | None
    result: str | None
    drop_reason: str | None
    planned_by: str
    """The actor who planned it."""
    planned_at: datetime
    closed_at: datetime | None
    """When it was done or dropped."""
    changed_at: datetime


@view
class Tasks(View[TaskRow]):
    name = "tasks"
    version = 2
    row = TaskRow
    reads = (
        TaskPlanned,
        TaskRescheduled,
        TaskReminderSet,
        TaskReminderCleared,
        TaskAssigned,
        TaskDone,
        TaskDropped,
        TaskReopened,
    )
    indexes = (
        "status, due, id",
        "assignee, status, due",
        "about",
        "contact",
        "account",
        "lead",
        "changed_at, id",
    )

    def evolve(self, row: TaskRow | None, it: Recorded[Any], key: Key) -> TaskRow | None:
        fact = it.event
        if isinstance(fact, TaskPlanned):
            return _planned(it)
        if row is None:
            return None
        return replace(row, **_changes(fact, it), version=it.version, changed_at=it.occurred_at)


def _planned(it: Recorded[TaskPlanned]) -> TaskRow:
    return TaskRow(
        **msgspec.structs.asdict(it.event),
        id=it.stream,
        version=it.version,
        status="open",
        result=None,
        drop_reason=None,
        planned_by=it.actor,
        planned_at=it.occurred_at,
        closed_at=None,
        changed_at=it.occurred_at,
    )


def _changes(fact: Any, it: Recorded[Any]) -> dict[str, Any]:
    match fact:
        case TaskRescheduled(due=due):
            return {"due": due}
        case TaskReminderSet(remind_at=remind_at):
            return {"remind_at": remind_at}
        case TaskReminderCleared():
            return {"remind_at": None}
        case TaskAssigned(assignee=assignee):
            return {"assignee": assignee}
        case TaskDone(result=result):
            return {"status": "done", "result": result, "closed_at": it.occurred_at}
        case TaskDropped(drop_reason=why):
            return {"status": "dropped", "drop_reason": why, "closed_at": it.occurred_at}
        case TaskReopened():
            return {"status": "open", "result": None, "drop_reason": None, "closed_at": None}
        case _:
            return {}

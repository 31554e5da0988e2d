"""What one may ask of a case."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from commands.desk import Desk
from commands.fields import Name, Text
from commands.registry import Command, handles
from domain import cases
from domain.cases import (
    CASE,
    CaseOpened,
    CaseRated,
    CaseStatusLogged,
    Phase,
    Priority,
    WaitingOn,
)
from domain.kernel import new_id

SCORE_MAX = 1_000


class OpenCase(Command, name="open-case"):
    """Opens a case: something that a customer asks of us."""

    case: UUID = Field(default_factory=new_id)
    subject: Name
    number: Name | None = None
    priority: Priority | None = None
    channel: Name | None = None
    kind: Name | None = None
    account: UUID | None = None
    contact: UUID | None = None
    product: UUID | None = None
    owner: UUID | None = None
    description: Text | None = None
    external_id: Name | None = None


class ChangeCasePriority(Command, name="change-case-priority"):
    """Says how urgent a case is now."""

    case: UUID
    priority: Priority


class AssignCase(Command, name="assign-case"):
    """Hands a case to a member, a team or both."""

    case: UUID
    owner: UUID | None = None
    team: Name | None = None


class StartCase(Command, name="start-case"):
    """Says that work on a case began."""

    case: UUID


class HoldCase(Command, name="hold-case"):
    """Says that a case waits, and for whom."""

    case: UUID
    on: WaitingOn
    note: Text | None = None


class ResumeCase(Command, name="resume-case"):
    """Says that work on a waiting case goes on."""

    case: UUID


class ResolveCase(Command, name="resolve-case"):
    """Says that a case is resolved, and how."""

    case: UUID
    resolution: Text | None = None


class ReopenCase(Command, name="reopen-case"):
    """Takes a case up again that was resolved or closed."""

    case: UUID


class CloseCase(Command, name="close-case"):
    """Closes a case."""

    case: UUID


class RateCase(Command, name="rate-case"):
    """Records how the customer rates the work on a case."""

    case: UUID
    score: int = Field(ge=0, le=SCORE_MAX)
    scale_max: int = Field(default=5, ge=1, le=SCORE_MAX, description="The best score there is.")
    comment: Text | None = None


class LogCaseStatus(Command, name="log-case-status"):
    """Records one line of another system's service log, as it stands there."""

    case: UUID
    status: Name = Field(description="The other system's own word.")
    phase: Phase
    waiting_on: WaitingOn | None = None
    worker: Name | None = Field(default=None, description="Name of the user in the other system.")


@handles(OpenCase)
def open_case(ask: OpenCase, desk: Desk) -> None:
    fact = CaseOpened(
        subject=ask.subject,
        number=ask.number,
        priority=ask.priority,
        channel=ask.channel,
        kind=ask.kind,
        account=ask.account,
        contact=ask.contact,
        product=ask.product,
        owner=ask.owner,
        description=ask.description,
        external_id=ask.external_id,
    )
    desk.change(CASE, ask.case, lambda it: cases.open_case(it, fact))


@handles(ChangeCasePriority)
def change_case_priority(ask: ChangeCasePriority, desk: Desk) -> None:
    desk.change(CASE, ask.case, lambda it: cases.change_priority(it, priority=ask.priority))


@handles(AssignCase)
def assign_case(ask: AssignCase, desk: Desk) -> None:
    desk.change(CASE, ask.case, lambda it: cases.assign(it, owner=ask.owner, team=ask.team))


@handles(StartCase)
def start_case(ask: StartCase, desk: Desk) -> None:
    desk.change(CASE, ask.case, cases.start)


@handles(HoldCase)
def hold_case(ask: HoldCase, desk: Desk) -> None:
    desk.change(CASE, ask.case, lambda it: cases.wait(it, on=ask.on, note=ask.note))


@handles(ResumeCase)
def resume_case(ask: ResumeCase, desk: Desk) -> None:
    desk.change(CASE, ask.case, cases.resume)


@handles(ResolveCase)
def resolve_case(ask: ResolveCase, desk: Desk) -> None:
    desk.change(CASE, ask.case, lambda it: cases.resolve(it, resolution=ask.resolution))


@handles(ReopenCase)
def reopen_case(ask: ReopenCase, desk: Desk) -> None:
    desk.change(CASE, ask.case, cases.reopen)


@handles(CloseCase)
def close_case(ask: CloseCase, desk: Desk) -> None:
    desk.change(CASE, ask.case, cases.close)


@handles(RateCase)
def rate_case(ask: RateCase, desk: Desk) -> None:
    fact = CaseRated(score=ask.score, scale_max=ask.scale_max, comment=ask.comment)
    desk.change(CASE, ask.case, lambda it: cases.rate(it, fact))


@handles(LogCaseStatus)
def log_case_status(ask: LogCaseStatus, desk: Desk) -> None:
    fact = CaseStatusLogged(
        status=ask.status, phase=ask.phase, waiting_on=ask.waiting_on, worker=ask.worker
    )
    desk.change(CASE, ask.case, lambda it: cases.log_status(it, fact))

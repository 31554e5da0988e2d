"""A case: something that a customer asks of us, until it is resolved and closed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never
from uuid import UUID

from domain.kernel import Aggregate, Event, Personal, Refused, event, some

Priority = Literal["low", "normal", "high", "urgent"]
Phase = Literal["new", "assigned", "in_progress", "waiting", "resolved", "closed"]
WaitingOn = Literal["customer", "vendor", "internal"]

# --- Events: stored as written; change them only by adding a version.


@event("case.opened", summary="opened “{subject}”")
class CaseOpened(Event):
    subject: str
    number: str | None = None
    priority: Priority | None = None
    channel: str | None = None
    kind: str | None = None
    account: UUID | None = None
    contact: UUID | None = None
    product: UUID | None = None
    owner: UUID | None = None
    description: Personal[str] | None = None
    external_id: str | None = None


@event("case.priority_changed", summary="priority is {priority} now")
class CasePriorityChanged(Event):
    priority: Priority


@event("case.assigned", summary="assigned to {team}")
class CaseAssigned(Event):
    owner: UUID | None = None
    team: str | None = None


@event("case.started", summary="work began")
class CaseStarted(Event):
    pass


@event("case.waiting", summary="waits for {on}: {note}")
class CaseWaiting(Event):
    on: WaitingOn
    note: Personal[str] | None = None


@event("case.resumed", summary="work goes on")
class CaseResumed(Event):
    pass


@event("case.resolved", summary="resolved: {resolution}")
class CaseResolved(Event):
    resolution: Personal[str] | None = None


@event("case.reopened", summary="reopened")
class CaseReopened(Event):
    pass


@event("case.closed", summary="closed")
class CaseClosed(Event):
    pass


@event("case.rated", summary="rated {score} of {scale_max}")
class CaseRated(Event):
    score: int
    scale_max: int
    """The best score there is; the worst is 0 or 1, as the scale has it."""
    comment: Personal[str] | None = None


@event("case.status_logged", summary="the other system says “{status}” ({worker})")
class CaseStatusLogged(Event):
    """One line of another system's service log, a fact even where it repeats the last one."""

    status: str
    """The other system's own word: ``Completed+Resolved``."""
    phase: Phase
    waiting_on: WaitingOn | None = None
    worker: str | None = None
    """Name of the user in the other system."""


CaseEvent = (
    CaseOpened
    | CasePriorityChanged
    | CaseAssigned
    | CaseStarted
    | CaseWaiting
    | CaseResumed
    | CaseResolved
    | CaseReopened
    | CaseClosed
    | CaseRated
    | CaseStatusLogged
)

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Case:
    subject: str | None = None
    phase: Phase = "new"
    waiting_on: WaitingOn | None = None
    priority: Priority | None = None
    owner: UUID | None = None
    team: str | None = None
    rated: CaseRated | None = None
    account: UUID | None = None
    contact: UUID | None = None


def evolve(it: Case, fact: CaseEvent) -> Case:
    match fact:
        case CaseOpened():
            return _opened(fact)
        case CasePriorityChanged():
            return replace(it, priority=fact.priority)
        case CaseRated():
            return replace(it, rated=fact)
        case CaseAssigned():
            phase = phase_after(it.phase, fact)
            return replace(it, owner=fact.owner, team=fact.team, phase=phase)
        case (
            CaseStarted()
            | CaseWaiting()
            | CaseResumed()
            | CaseResolved()
            | CaseReopened()
            | CaseClosed()
            | CaseStatusLogged()
        ):
            phase = phase_after(it.phase, fact)
            return replace(it, phase=phase, waiting_on=waiting_on(fact))
        case _:
            assert_never(fact)


def phase_after(phase: Phase, fact: CaseEvent) -> Phase:
    """The phase that a fact leads to from another one."""
    match fact:
        case CaseStatusLogged():
            return fact.phase
        case CaseAssigned():
            return "assigned" if phase == "new" else phase
        case CaseOpened():
            return "new" if fact.owner is None else "assigned"
        case CaseStarted() | CaseResumed() | CaseReopened():
            return "in_progress"
        case CaseWaiting():
            return "waiting"
        case CaseResolved():
            return "resolved"
        case CaseClosed():
            return "closed"
        case CaseRated() | CasePriorityChanged():
            return phase
        case _:
            assert_never(fact)


def waiting_on(fact: CaseEvent) -> WaitingOn | None:
    """Whom the case waits for after a fact that moves its phase."""
    match fact:
        case CaseWaiting():
            return fact.on
        case CaseStatusLogged():
            return fact.waiting_on if fact.phase == "waiting" else None
        case _:
            return None


def _opened(fact: CaseOpened) -> Case:
    return Case(
        subject=fact.subject,
        phase=phase_after("new", fact),
        priority=fact.priority,
        owner=fact.owner,
        account=fact.account,
        contact=fact.contact,
    )


def subjects(it: Case) -> tuple[UUID, ...]:
    return some(it.account, it.contact)


def person(it: Case) -> UUID | None:
    return it.contact or it.account


CASE = Aggregate("case", Case(), evolve, subjects, person=person)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchCase(Refused):
    """There is no such case."""


class CaseExists(Refused):
    """This case is open already, as “{subject}”."""


class CaseIsDone(Refused):
    """The case is {phase}. Reopen it first."""


class CaseIsOpen(Refused):
    """The case is open; there is nothing to reopen."""


class CaseIsNotWaiting(Refused):
    """The case waits for nobody; there is nothing to resume."""


class AssigneeMissing(Refused):
    """A case is assigned to an owner, a team or both."""


class ScoreOffScale(Refused):
    """A score of {score} is not on a scale up to {scale_max}."""


def open_case(it: Case, fact: CaseOpened) -> list[CaseEvent]:
    if it.subject is None:
        return [fact]
    if it.subject != fact.subject:
        raise CaseExists(subject=it.subject)
    return []


def change_priority(it: Case, *, priority: Priority) -> list[CaseEvent]:
    _must_exist(it)
    return [] if it.priority == priority else [CasePriorityChanged(priority=priority)]


def assign(it: Case, *, owner: UUID | None, team: str | None) -> list[CaseEvent]:
    _must_be_open(it)
    if owner is None and team is None:
        raise AssigneeMissing(field="owner")
    if (it.owner, it.team) == (owner, team):
        return []
    return [CaseAssigned(owner=owner, team=team)]


def start(it: Case) -> list[CaseEvent]:
    _must_be_open(it)
    return [] if it.phase == "in_progress" else [CaseStarted()]


def wait(it: Case, *, on: WaitingOn, note: str | None) -> list[CaseEvent]:
    _must_be_open(it)
    if (it.phase, it.waiting_on) == ("waiting", on):
        return []
    return [CaseWaiting(on=on, note=note)]


def resume(it: Case) -> list[CaseEvent]:
    _must_be_open(it)
    if it.phase == "in_progress":
        return []
    if it.phase != "waiting":
        raise CaseIsNotWaiting
    return [CaseResumed()]


def resolve(it: Case, *, resolution: str | None) -> list[CaseEvent]:
    _must_exist(it)
    if it.phase == "resolved":
        return []
    _must_be_open(it)
    return [CaseResolved(resolution=resolution)]


def reopen(it: Case) -> list[CaseEvent]:
    _must_exist(it)
    if it.phase not in ("resolved", "closed"):
        raise CaseIsOpen
    return [CaseReopened()]


def close(it: Case) -> list[CaseEvent]:
    _must_exist(it)
    return [] if it.phase == "closed" else [CaseClosed()]


def rate(it: Case, fact: CaseRated) -> list[CaseEvent]:
    _must_exist(it)
    if not 0 <= fact.score <= fact.scale_max:
        raise ScoreOffScale(field="score", score=fact.score, scale_max=fact.scale_max)
    return [] if it.rated == fact else [fact]


def log_status(it: Case, fact: CaseStatusLogged) -> list[CaseEvent]:
    """Always a fact, from any phase to any phase: the other system's log is what it is."""
    _must_exist(it)
    return [fact]


def _must_exist(it: Case) -> None:
    if it.subject is None:
        raise NoSuchCase


def _must_be_open(it: Case) -> None:
    _must_exist(it)
    if it.phase in ("resolved", "closed"):
        raise CaseIsDone(phase=it.phase)

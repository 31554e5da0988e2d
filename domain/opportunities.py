"""An opportunity: one chance to sell, from the first talk to won or lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from domain.kernel import Aggregate, Event, Personal, Refused, event, some
from domain.money import check_money
from domain.pipelines import Pipeline, Stage

# --- Events: stored as written; change them only by adding a version.


@event("opportunity.opened", summary="opened “{name}” in {stage}")
class OpportunityOpened(Event):
    name: str
    pipeline: UUID
    stage: str
    account: UUID | None = None
    contact: UUID | None = None
    owner: UUID | None = None
    product: UUID | None = None
    lead: UUID | None = None
    """The lead whose conversion opened it: its history goes on here."""
    amount: Decimal | None = None
    currency: str | None = None
    expected_close: date | None = None
    lead_source: str | None = None
    external_id: str | None = None


@event("opportunity.renamed", summary="renamed to “{name}”")
class OpportunityRenamed(Event):
    name: str


@event("opportunity.stage_changed", summary="moved from {from_stage} to {to_stage}")
class OpportunityStageChanged(Event):
    from_stage: str
    to_stage: str


@event("opportunity.revalued", summary="valued at {amount} {currency}")
class OpportunityRevalued(Event):
    amount: Decimal
    currency: str


@event("opportunity.expected_close_changed", summary="expected to close on {expected_close}")
class OpportunityExpectedCloseChanged(Event):
    expected_close: date


@event("opportunity.assigned", summary="handed to another owner")
class OpportunityAssigned(Event):
    owner: UUID


@event("opportunity.contact_joined", summary="a contact joined as {role}")
class OpportunityContactJoined(Event):
    contact: UUID
    role: str | None = None


@event("opportunity.contact_left", summary="a contact left")
class OpportunityContactLeft(Event):
    contact: UUID


@event("opportunity.won", summary="won for {amount} {currency}")
class OpportunityWon(Event):
    amount: Decimal | None = None
    currency: str | None = None


@event("opportunity.lost", summary="lost: {lost_reason}")
class OpportunityLost(Event):
    lost_reason: str
    note: Personal[str] | None = None
    competitor: str | None = None


@event("opportunity.reopened", summary="reopened in {stage}")
class OpportunityReopened(Event):
    stage: str


OpportunityEvent = (
    OpportunityOpened
    | OpportunityRenamed
    | OpportunityStageChanged
    | OpportunityRevalued
    | OpportunityExpectedCloseChanged
    | OpportunityAssigned
    | OpportunityContactJoined
    | OpportunityContactLeft
    | OpportunityWon
    | OpportunityLost
    | OpportunityReopened
)

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Opportunity:
    name: str | None = None
    pipeline: UUID | None = None
    stage: str | None = None
    closed: bool = False
    won: bool = False
    account: UUID | None = None
    lead: UUID | None = None
    roles: Mapping[UUID, str | None] = field(default_factory=dict)
    """The contacts on it now, and as what."""
    owner: UUID | None = None
    amount: Decimal | None = None
    currency: str | None = None
    expected_close: date | None = None
    lost_reason: str | None = None


def evolve(it: Opportunity, fact: OpportunityEvent) -> Opportunity:
    match fact:
        case OpportunityOpened():
            return _opened(fact)
        case OpportunityRenamed():
            return replace(it, name=fact.name)
        case OpportunityStageChanged():
            return replace(it, stage=fact.to_stage)
        case OpportunityRevalued():
            return replace(it, amount=fact.amount, currency=fact.currency)
        case OpportunityExpectedCloseChanged():
            return replace(it, expected_close=fact.expected_close)
        case OpportunityAssigned():
            return replace(it, owner=fact.owner)
        case OpportunityContactJoined():
            return replace(it, roles={**it.roles, fact.contact: fact.role})
        case OpportunityContactLeft():
            return replace(it, roles={c: r for c, r in it.roles.items() if c != fact.contact})
        case OpportunityWon():
            return _won(it, fact)
        case OpportunityLost():
            return replace(it, closed=True, won=False, lost_reason=fact.lost_reason)
        case OpportunityReopened():
            return replace(it, closed=False, won=False, stage=fact.stage)
        case _:
            assert_never(fact)


def _opened(fact: OpportunityOpened) -> Opportunity:
    return Opportunity(
        name=fact.name,
        pipeline=fact.pipeline,
        stage=fact.stage,
        account=fact.account,
        lead=fact.lead,
        roles=dict.fromkeys(some(fact.contact)),
        owner=fact.owner,
        amount=fact.amount,
        currency=fact.currency,
        expected_close=fact.expected_close,
    )


def _won(it: Opportunity, fact: OpportunityWon) -> Opportunity:
    if fact.amount is None:
        return replace(it, closed=True, won=True)
    return replace(it, closed=True, won=True, amount=fact.amount, currency=fact.currency)


def subjects(it: Opportunity) -> tuple[UUID, ...]:
    return some(it.account, *it.roles, it.lead)


def person(it: Opportunity) -> UUID | None:
    return next(iter(it.roles), None) or it.lead or it.account


OPPORTUNITY = Aggregate("opportunity", Opportunity(), evolve, subjects, person=person)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchOpportunity(Refused):
    """There is no such opportunity."""


class OpportunityExists(Refused):
    """This opportunity is open already, under the name “{name}”."""


class OpportunityIsClosed(Refused):
    """A closed opportunity stays where it is. Reopen it first."""


class OpportunityIsOpen(Refused):
    """The opportunity is open; there is nothing to reopen."""


class NoSuchStage(Refused):
    """The pipeline has no open stage “{stage}”. It has: {stages}."""


def open_opportunity(
    it: Opportunity, pipeline: Pipeline, fact: OpportunityOpened
) -> list[OpportunityEvent]:
    """``pipeline`` is the state of ``fact.pipeline``."""
    if it.name is not None:
        if it.name == fact.name:
            return []
        raise OpportunityExists(name=it.name)
    _open_stage(pipeline, fact.stage)
    check_money(fact.amount, fact.currency)
    return [fact]


def rename(it: Opportunity, *, name: str) -> list[OpportunityEvent]:
    _must_exist(it)
    return [] if it.name == name else [OpportunityRenamed(name=name)]


def change_stage(it: Opportunity, pipeline: Pipeline, *, stage: str) -> list[OpportunityEvent]:
    _must_be_open(it)
    _open_stage(pipeline, stage)
    if it.stage is None or it.stage == stage:
        return []
    return [OpportunityStageChanged(from_stage=it.stage, to_stage=stage)]


def revalue(it: Opportunity, *, amount: Decimal, currency: str) -> list[OpportunityEvent]:
    _must_be_open(it)
    if (it.amount, it.currency) == (amount, currency):
        return []
    return [OpportunityRevalued(amount=amount, currency=currency)]


def expect_close(it: Opportunity, *, on: date) -> list[OpportunityEvent]:
    _must_be_open(it)
    return [] if it.expected_close == on else [OpportunityExpectedCloseChanged(expected_close=on)]


def assign(it: Opportunity, *, owner: UUID) -> list[OpportunityEvent]:
    _must_exist(it)
    return [] if it.owner == owner else [OpportunityAssigned(owner=owner)]


def join_contact(it: Opportunity, *, contact: UUID, role: str | None) -> list[OpportunityEvent]:
    _must_exist(it)
    if contact in it.roles and role in (None, it.roles[contact]):
        return []
    return [OpportunityContactJoined(contact=contact, role=role)]


def leave_contact(it: Opportunity, *, contact: UUID) -> list[OpportunityEvent]:
    _must_exist(it)
    return [OpportunityContactLeft(contact=contact)] if contact in it.roles else []


def win(it: Opportunity, *, amount: Decimal | None, currency: str | None) -> list[OpportunityEvent]:
    _must_exist(it)
    if it.won and (amount is None or (amount, currency) == (it.amount, it.currency)):
        return []
    _must_be_open(it)
    check_money(amount, currency)
    return [OpportunityWon(amount=amount, currency=currency)]


def lose(
    it: Opportunity, *, lost_reason: str, note: str | None, competitor: str | None
) -> list[OpportunityEvent]:
    _must_exist(it)
    if it.closed and not it.won and it.lost_reason == lost_reason:
        return []
    _must_be_open(it)
    return [OpportunityLost(lost_reason=lost_reason, note=note, competitor=competitor)]


def reopen(it: Opportunity, pipeline: Pipeline, *, stage: str | None) -> list[OpportunityEvent]:
    _must_exist(it)
    if not it.closed:
        raise OpportunityIsOpen
    to_stage = stage or it.stage or ""
    _open_stage(pipeline, to_stage)
    return [OpportunityReopened(stage=to_stage)]


def _must_exist(it: Opportunity) -> None:
    if it.name is None:
        raise NoSuchOpportunity


def _must_be_open(it: Opportunity) -> None:
    _must_exist(it)
    if it.closed:
        raise OpportunityIsClosed


def _open_stage(pipeline: Pipeline, name: str) -> Stage:
    stage = pipeline.stage(name)
    if stage is None or stage.kind != "open":
        stages = ", ".join(s.name for s in pipeline.stages if s.kind == "open")
        raise NoSuchStage(field="stage", stage=name, stages=stages or "none")
    return stage

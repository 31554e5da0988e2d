"""What one may ask of an opportunity."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from commands.desk import Desk
from commands.facts import fact_of
from commands.fields import Amount, Currency, Name, Text
from commands.registry import Command, handles
from domain import opportunities
from domain.kernel import new_id
from domain.opportunities import OPPORTUNITY, OpportunityOpened
from domain.pipelines import PIPELINE, NoSuchPipeline, Pipeline


class OpenOpportunity(Command, name="open-opportunity"):
    """Opens an opportunity in a stage of a pipeline."""

    opportunity: UUID = Field(default_factory=new_id)
    name: Name
    pipeline: UUID
    stage: Name
    account: UUID | None = None
    contact: UUID | None = None
    owner: UUID | None = None
    product: UUID | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    expected_close: date | None = None
    lead_source: Name | None = None
    external_id: Name | None = None


class RenameOpportunity(Command, name="rename-opportunity"):
    """Gives an opportunity another name."""

    opportunity: UUID
    name: Name


class ChangeStage(Command, name="change-stage"):
    """Moves an opportunity to another open stage of its pipeline."""

    opportunity: UUID
    stage: Name


class RevalueOpportunity(Command, name="revalue-opportunity"):
    """Says what an opportunity is worth now."""

    opportunity: UUID
    amount: Amount
    currency: Currency


class ExpectClose(Command, name="expect-close"):
    """Says when an opportunity is expected to close."""

    opportunity: UUID
    expected_close: date


class AssignOpportunity(Command, name="assign-opportunity"):
    """Hands an opportunity to another owner."""

    opportunity: UUID
    owner: UUID


class JoinContact(Command, name="join-contact"):
    """Adds a contact to an opportunity, with the part that they play."""

    opportunity: UUID
    contact: UUID
    role: Name | None = None


class LeaveContact(Command, name="leave-contact"):
    """Takes a contact off an opportunity."""

    opportunity: UUID
    contact: UUID


class WinOpportunity(Command, name="win-opportunity"):
    """Closes an opportunity as won, for an amount if it differs from what was expected."""

    opportunity: UUID
    amount: Amount | None = None
    currency: Currency | None = None


class LoseOpportunity(Command, name="lose-opportunity"):
    """Closes an opportunity as lost, with a reason."""

    opportunity: UUID
    lost_reason: Name
    note: Text | None = None
    competitor: Name | None = None


class ReopenOpportunity(Command, name="reopen-opportunity"):
    """Opens a closed opportunity again, where it was or in another stage."""

    opportunity: UUID
    stage: Name | None = None


def existing_pipeline(desk: Desk, pipeline: UUID | None) -> Pipeline:
    found = desk.state(PIPELINE, pipeline) if pipeline else Pipeline()
    if found.name is None:
        raise NoSuchPipeline(field="pipeline")
    return found


def _own_pipeline(desk: Desk, opportunity: UUID) -> Pipeline:
    """The pipeline of an opportunity; a blank one where there is no such opportunity."""
    of = desk.state(OPPORTUNITY, opportunity).pipeline
    return existing_pipeline(desk, of) if of else Pipeline()


@handles(OpenOpportunity)
def open_opportunity(ask: OpenOpportunity, desk: Desk) -> None:
    pipeline = existing_pipeline(desk, ask.pipeline)
    fact = fact_of(OpportunityOpened, ask)
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.open_opportunity(it, pipeline, fact),
    )


@handles(RenameOpportunity)
def rename_opportunity(ask: RenameOpportunity, desk: Desk) -> None:
    desk.change(OPPORTUNITY, ask.opportunity, lambda it: opportunities.rename(it, name=ask.name))


@handles(ChangeStage)
def change_stage(ask: ChangeStage, desk: Desk) -> None:
    pipeline = _own_pipeline(desk, ask.opportunity)
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.change_stage(it, pipeline, stage=ask.stage),
    )


@handles(RevalueOpportunity)
def revalue_opportunity(ask: RevalueOpportunity, desk: Desk) -> None:
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.revalue(it, amount=ask.amount, currency=ask.currency),
    )


@handles(ExpectClose)
def expect_close(ask: ExpectClose, desk: Desk) -> None:
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.expect_close(it, on=ask.expected_close),
    )


@handles(AssignOpportunity)
def assign_opportunity(ask: AssignOpportunity, desk: Desk) -> None:
    desk.change(OPPORTUNITY, ask.opportunity, lambda it: opportunities.assign(it, owner=ask.owner))


@handles(JoinContact)
def join_contact(ask: JoinContact, desk: Desk) -> None:
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.join_contact(it, contact=ask.contact, role=ask.role),
    )


@handles(LeaveContact)
def leave_contact(ask: LeaveContact, desk: Desk) -> None:
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.leave_contact(it, contact=ask.contact),
    )


@handles(WinOpportunity)
def win_opportunity(ask: WinOpportunity, desk: Desk) -> None:
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.win(it, amount=ask.amount, currency=ask.currency),
    )


@handles(LoseOpportunity)
def lose_opportunity(ask: LoseOpportunity, desk: Desk) -> None:
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.lose(
            it, lost_reason=ask.lost_reason, note=ask.note, competitor=ask.competitor
        ),
    )


@handles(ReopenOpportunity)
def reopen_opportunity(ask: ReopenOpportunity, desk: Desk) -> None:
    pipeline = _own_pipeline(desk, ask.opportunity)
    desk.change(
        OPPORTUNITY,
        ask.opportunity,
        lambda it: opportunities.reopen(it, pipeline, stage=ask.stage),
    )

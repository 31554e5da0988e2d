"""What one may ask of a lead."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from commands.contacts import add_with_claim
from commands.desk import Desk
from commands.facts import fact_of
from commands.fields import Amount, Cleared, Country, Currency, Email, Name, Text
from commands.opportunities import existing_pipeline
from commands.registry import Command, handles
from domain import accounts, contacts, leads, opportunities
from domain.accounts import ACCOUNT, AccountOpened, NoSuchAccount
from domain.contacts import CONTACT, ContactAdded
from domain.kernel import Refused, new_id
from domain.leads import (
    LEAD,
    SCORE_MAX,
    LeadCaptured,
    LeadConverted,
    LeadDetailsChanged,
    NoSuchLead,
)
from domain.opportunities import OPPORTUNITY, OpportunityOpened


class LeadDetails(Command):
    """What can be said of a lead."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: Name | None = None
    company: Name | None = None
    title: Name | None = Field(default=None, description="Their position: “Head of purchasing”.")
    country: Country | None = None
    source: Name | None = Field(default=None, description="How we came to know of them: “webinar”.")
    campaign: Name | None = None
    interest: Text | None = Field(default=None, description="What they said they look for.")
    external_id: Name | None = None


class CaptureLead(LeadDetails, name="capture-lead"):
    """Notes someone who may become a customer."""

    lead: UUID = Field(default_factory=new_id)
    owner: UUID | None = None


class ChangeLead(LeadDetails, name="change-lead"):
    """Changes the details of a lead."""

    lead: UUID
    cleared: Cleared = ()


class AssignLead(Command, name="assign-lead"):
    """Hands a lead to another owner."""

    lead: UUID
    owner: UUID


class QualifyLead(Command, name="qualify-lead"):
    """Says that a lead is worth pursuing, and how much so."""

    lead: UUID
    score: int | None = Field(default=None, ge=0, le=SCORE_MAX)
    note: Text | None = None


class DiscardLead(Command, name="discard-lead"):
    """Gives a lead up, with a reason."""

    lead: UUID
    discard_reason: Name


class ReopenLead(Command, name="reopen-lead"):
    """Takes a discarded lead up again."""

    lead: UUID


class ConvertLead(Command, name="convert-lead", makes=("account", "contact", "opportunity")):
    """Makes a lead a contact, with an account and an opportunity where they are named.

    A new account is opened if the lead names a company; an opportunity is opened if a pipeline
    and a stage are given.
    """

    lead: UUID
    contact: UUID = Field(
        default_factory=new_id, description="An existing contact, or the id of the new one."
    )
    account: UUID | None = Field(
        default=None, description="An existing account, or the id of the new one."
    )
    opportunity: UUID | None = Field(default=None, description="The id of the new one.")
    pipeline: UUID | None = None
    stage: Name | None = None
    name: Name | None = Field(
        default=None, description="The opportunity's; if left out, the company's."
    )
    amount: Amount | None = None
    currency: Currency | None = None
    expected_close: date | None = None
    product: UUID | None = None
    allow_duplicate: bool = Field(
        default=False, description="Whether another contact may have the same e-mail address."
    )


class StageWithoutPipeline(Refused):
    """An opportunity needs both a pipeline and a stage."""


class OpportunityUnnamed(Refused):
    """The opportunity needs a name, because the lead names no company."""


@handles(CaptureLead)
def capture_lead(ask: CaptureLead, desk: Desk) -> None:
    fact = fact_of(LeadCaptured, ask)
    desk.change(LEAD, ask.lead, lambda it: leads.capture(it, fact))


@handles(ChangeLead)
def change_lead(ask: ChangeLead, desk: Desk) -> None:
    fact = fact_of(LeadDetailsChanged, ask)
    desk.change(LEAD, ask.lead, lambda it: leads.change_details(it, fact))


@handles(AssignLead)
def assign_lead(ask: AssignLead, desk: Desk) -> None:
    desk.change(LEAD, ask.lead, lambda it: leads.assign(it, owner=ask.owner))


@handles(QualifyLead)
def qualify_lead(ask: QualifyLead, desk: Desk) -> None:
    desk.change(LEAD, ask.lead, lambda it: leads.qualify(it, score=ask.score, note=ask.note))


@handles(DiscardLead)
def discard_lead(ask: DiscardLead, desk: Desk) -> None:
    desk.change(LEAD, ask.lead, lambda it: leads.discard(it, discard_reason=ask.discard_reason))


@handles(ReopenLead)
def reopen_lead(ask: ReopenLead, desk: Desk) -> None:
    desk.change(LEAD, ask.lead, leads.reopen)


@handles(ConvertLead)
def convert_lead(ask: ConvertLead, desk: Desk) -> None:
    before = desk.state(LEAD, ask.lead)
    lead = before.known
    if lead is None:
        raise NoSuchLead
    account = _account(ask, desk, lead)
    opening = _opening(ask, account, lead)
    opportunity = (ask.opportunity or new_id()) if opening else None
    fact = LeadConverted(contact=ask.contact, account=account, opportunity=opportunity)
    after = desk.change(LEAD, ask.lead, lambda it: leads.convert(it, fact))
    if before == after:
        return
    if account is not None:
        _open_account(desk, account, lead)
    _add_contact(ask, desk, account, lead)
    if opening is not None and opportunity is not None:
        pipeline = existing_pipeline(desk, opening.pipeline)
        desk.change(
            OPPORTUNITY,
            opportunity,
            lambda it: opportunities.open_opportunity(it, pipeline, opening),
        )


def _account(ask: ConvertLead, desk: Desk, lead: LeadCaptured) -> UUID | None:
    """The account that the lead becomes part of: one that is there, or one to be opened."""
    if ask.account is None:
        return None if lead.company is None else new_id()
    if lead.company is None and desk.state(ACCOUNT, ask.account).known is None:
        raise NoSuchAccount(field="account")
    return ask.account


def _opening(
    ask: ConvertLead, account: UUID | None, lead: LeadCaptured
) -> OpportunityOpened | None:
    """The opportunity that is asked for. It never takes a person's name for its own: a name
    of an opportunity is kept when a person is forgotten."""
    if ask.pipeline is None and ask.stage is None and ask.opportunity is None:
        return None
    if ask.pipeline is None or ask.stage is None:
        raise StageWithoutPipeline(field="stage" if ask.pipeline else "pipeline")
    name = ask.name or lead.company
    if name is None:
        raise OpportunityUnnamed(field="name")
    return OpportunityOpened(
        name=name,
        pipeline=ask.pipeline,
        stage=ask.stage,
        account=account,
        contact=ask.contact,
        owner=lead.owner,
        product=ask.product,
        lead=ask.lead,
        amount=ask.amount,
        currency=ask.currency,
        expected_close=ask.expected_close,
        lead_source=lead.source,
    )


def _open_account(desk: Desk, account: UUID, lead: LeadCaptured) -> None:
    if desk.state(ACCOUNT, account).known is None and lead.company is not None:
        fact = AccountOpened(name=lead.company, owner=lead.owner)
        desk.change(ACCOUNT, account, lambda it: accounts.open_account(it, account, fact))


def _add_contact(ask: ConvertLead, desk: Desk, account: UUID | None, lead: LeadCaptured) -> None:
    if desk.state(CONTACT, ask.contact).known is None:
        add_with_claim(desk, ask.contact, _person(ask, account, lead), ask.allow_duplicate)
    elif account is not None:
        desk.change(
            CONTACT,
            ask.contact,
            lambda it: contacts.join_account(it, account=account, role=None),
        )


def _person(ask: ConvertLead, account: UUID | None, lead: LeadCaptured) -> ContactAdded:
    return ContactAdded(
        first_name=lead.first_name,
        last_name=lead.last_name,
        email=lead.email,
        phone=lead.phone,
        title=lead.title,
        country=lead.country,
        lead_source=lead.source,
        account=account,
        owner=lead.owner,
        lead=ask.lead,
    )

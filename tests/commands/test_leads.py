"""Leads: captured, qualified, discarded, and converted in one entry of the log."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from commands.contacts import EMAIL_CLAIM, AddContact, EmailTaken
from commands.leads import (
    AssignLead,
    CaptureLead,
    ChangeLead,
    ConvertLead,
    DiscardLead,
    OpportunityUnnamed,
    QualifyLead,
    ReopenLead,
    StageWithoutPipeline,
)
from commands.registry import Command
from domain.accounts import AccountOpened, NoSuchAccount
from domain.contacts import ContactAccountJoined, ContactAdded, ContactUnnamed
from domain.leads import (
    LeadAssigned,
    LeadCaptured,
    LeadConverted,
    LeadDetailsChanged,
    LeadDiscarded,
    LeadExists,
    LeadIsConverted,
    LeadIsDiscarded,
    LeadIsOpen,
    LeadQualified,
    LeadReopened,
    LeadUnnamed,
    NoSuchLead,
)
from domain.opportunities import NoSuchStage, OpportunityOpened, OpportunityRenamed
from domain.pipelines import NoSuchPipeline, PipelineDefined, Stage
from tests.given import STREAM, given, on

ADA, CONTACT, ACCOUNT, OPPORTUNITY, PIPELINE = (UUID(int=n) for n in range(101, 106))
EVE = LeadCaptured(
    first_name="Eve",
    email="eve@acme.example",
    phone="1",
    company="Acme",
    source="webinar",
    owner=ADA,
)
STRANGER = LeadCaptured(first_name="Sam")
DISCARDED = LeadDiscarded(discard_reason="no budget")
CONVERTED = LeadConverted(contact=CONTACT, account=ACCOUNT)
SALES = on(PIPELINE, PipelineDefined(name="Sales", stages=(Stage("New"), Stage("Won", "won"))))
PERSON = ContactAdded(
    first_name="Eve",
    email="eve@acme.example",
    phone="1",
    lead_source="webinar",
    account=ACCOUNT,
    owner=ADA,
    lead=STREAM,
)
ACME = AccountOpened(name="Acme", owner=ADA)


def convert(**more: Any) -> ConvertLead:
    ids = {"contact": CONTACT, "account": ACCOUNT}
    if "pipeline" in more:
        ids["opportunity"] = OPPORTUNITY
    return ConvertLead.model_validate({"lead": STREAM, **ids, **more})


def test_a_lead_is_captured_once() -> None:
    ask = CaptureLead(
        lead=STREAM,
        first_name="Eve",
        email="eve@acme.example",
        phone="1",
        company="Acme",
        source="webinar",
        owner=ADA,
    )
    given().when(ask).then(EVE).concerning(STREAM)
    given(EVE).when(ask).then()


def test_another_lead_cannot_take_the_place_of_one() -> None:
    given(EVE).when(CaptureLead(lead=STREAM, first_name="Sam")).refused(LeadExists)


def test_a_lead_is_somebody() -> None:
    given().when(CaptureLead(lead=STREAM, source="webinar")).refused(LeadUnnamed)
    given(STRANGER).when(ChangeLead(lead=STREAM, cleared=("first_name",))).refused(LeadUnnamed)


def test_a_change_says_only_what_is_new() -> None:
    given(EVE).when(ChangeLead(lead=STREAM, company="Acme", title="CEO")).then(
        LeadDetailsChanged(title="CEO")
    )
    given(EVE).when(ChangeLead(lead=STREAM, company="Acme")).then()


def test_a_lead_is_handed_over_once() -> None:
    given(EVE).when(AssignLead(lead=STREAM, owner=CONTACT)).then(LeadAssigned(owner=CONTACT))
    given(EVE).when(AssignLead(lead=STREAM, owner=ADA)).then()


def test_a_lead_is_qualified_and_may_be_so_anew() -> None:
    hot, cold = LeadQualified(score=90, note="keen"), LeadQualified(score=10)
    given(EVE).when(QualifyLead(lead=STREAM, score=90, note="keen")).then(hot)
    given(EVE, hot).when(QualifyLead(lead=STREAM, score=90, note="keen")).then()
    given(EVE, hot).when(QualifyLead(lead=STREAM, score=10)).then(cold)


@pytest.mark.parametrize("score", [-1, 101])
def test_a_score_is_between_0_and_100(score: int) -> None:
    with pytest.raises(ValidationError):
        QualifyLead(lead=STREAM, score=score)


def test_a_lead_is_discarded_for_a_reason() -> None:
    given(EVE).when(DiscardLead(lead=STREAM, discard_reason="no budget")).then(DISCARDED)
    given(EVE, DISCARDED).when(DiscardLead(lead=STREAM, discard_reason="no budget")).then()
    given(EVE, DISCARDED).when(DiscardLead(lead=STREAM, discard_reason="rude")).refused(
        LeadIsDiscarded
    )


def test_a_discarded_lead_is_taken_up_again() -> None:
    given(EVE, DISCARDED).when(ReopenLead(lead=STREAM)).then(LeadReopened())
    given(EVE).when(ReopenLead(lead=STREAM)).refused(LeadIsOpen)
    given(EVE, DISCARDED, LeadReopened()).when(AssignLead(lead=STREAM, owner=CONTACT)).then(
        LeadAssigned(owner=CONTACT)
    )


CHANGES: list[Command] = [
    ChangeLead(lead=STREAM, title="CEO"),
    AssignLead(lead=STREAM, owner=CONTACT),
    QualifyLead(lead=STREAM, score=1),
    DiscardLead(lead=STREAM, discard_reason="rude"),
    convert(),
]


@pytest.mark.parametrize("command", CHANGES)
def test_a_discarded_lead_stays_as_it_is(command: Command) -> None:
    given(EVE, DISCARDED).when(command).refused(LeadIsDiscarded)


@pytest.mark.parametrize("command", [*CHANGES[:-1], convert(contact=ADA), ReopenLead(lead=STREAM)])
def test_a_converted_lead_stays_as_it_is(command: Command) -> None:
    given(EVE, CONVERTED).when(command).refused(LeadIsConverted, contact=CONTACT)


@pytest.mark.parametrize("command", [*CHANGES, ReopenLead(lead=STREAM)])
def test_a_lead_that_is_not_there_does_not_change(command: Command) -> None:
    given().when(command).refused(NoSuchLead)


def test_who_saw_an_old_version_hears_of_it() -> None:
    given(EVE, LeadQualified()).when(convert(), seen=1).conflicts()


# --- Conversion


def test_a_lead_becomes_a_contact_of_a_new_account() -> None:
    story = given(EVE).when(convert())
    story.then(CONVERTED, on(ACCOUNT, ACME), on(CONTACT, PERSON))
    story.concerning(STREAM, CONTACT, ACCOUNT)
    story.concerning(CONTACT, ACCOUNT, STREAM, stream=CONTACT)
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") == CONTACT


def test_all_of_a_conversion_is_one_command_in_the_log() -> None:
    story = given(EVE, SALES).when(convert(pipeline=PIPELINE, stage="New"))
    story.bus.dispatch(story.ask)
    assert len({it.command_id for it in story.store.page(story.before)}) == 1


def test_an_opportunity_is_opened_where_a_stage_is_given() -> None:
    story = given(EVE, SALES).when(
        convert(pipeline=PIPELINE, stage="New", amount=Decimal(5), currency="EUR")
    )
    story.then(
        LeadConverted(contact=CONTACT, account=ACCOUNT, opportunity=OPPORTUNITY),
        on(ACCOUNT, ACME),
        on(CONTACT, PERSON),
        on(
            OPPORTUNITY,
            OpportunityOpened(
                name="Acme",
                pipeline=PIPELINE,
                stage="New",
                account=ACCOUNT,
                contact=CONTACT,
                owner=ADA,
                lead=STREAM,
                amount=Decimal(5),
                currency="EUR",
                lead_source="webinar",
            ),
        ),
    ).concerning(ACCOUNT, CONTACT, STREAM, stream=OPPORTUNITY)


def test_the_history_of_a_lead_goes_on_in_its_opportunity() -> None:
    opened = OpportunityOpened(name="Acme", pipeline=PIPELINE, stage="New", lead=STREAM)
    story = given(EVE, on(OPPORTUNITY, opened, OpportunityRenamed(name="Acme renewal")))
    timeline = [it.name for it in story.store.by_subject(STREAM)]
    assert timeline == ["lead.captured", "opportunity.opened", "opportunity.renamed"]


def test_converting_twice_is_converting_once() -> None:
    ask = convert(pipeline=PIPELINE, stage="New")
    given(EVE, SALES).after(ask).when(ask).then()


def test_a_lead_joins_an_account_and_a_contact_that_are_there() -> None:
    bolt = on(ACCOUNT, AccountOpened(name="Bolt"))
    eva = on(CONTACT, ContactAdded(first_name="Eva"))
    given(EVE, bolt, eva).when(convert()).then(
        CONVERTED, on(CONTACT, ContactAccountJoined(account=ACCOUNT))
    )


def test_a_contact_who_is_with_the_account_already_does_not_change() -> None:
    bolt = on(ACCOUNT, AccountOpened(name="Bolt"))
    eva = on(CONTACT, ContactAdded(first_name="Eva", account=ACCOUNT))
    given(EVE, bolt, eva).when(convert()).then(CONVERTED)


def test_without_a_company_there_is_no_new_account() -> None:
    given(STRANGER).when(ConvertLead(lead=STREAM, contact=CONTACT)).then(
        LeadConverted(contact=CONTACT),
        on(CONTACT, ContactAdded(first_name="Sam", lead=STREAM)),
    )


def test_an_account_that_is_named_has_to_be_there_or_have_a_name() -> None:
    given(STRANGER).when(convert()).refused(NoSuchAccount)


def test_a_lead_whose_address_is_known_is_joined_to_that_contact_by_name() -> None:
    eva = AddContact(contact=ADA, first_name="Eva", email="eve@acme.example")
    given(EVE).after(eva).when(convert()).refused(EmailTaken, contact=ADA)
    given(EVE).after(eva).when(convert(allow_duplicate=True)).then(
        CONVERTED, on(ACCOUNT, ACME), on(CONTACT, PERSON)
    )


def test_a_company_alone_is_no_contact() -> None:
    given(LeadCaptured(company="Acme")).when(convert()).refused(ContactUnnamed)


def test_an_opportunity_needs_a_pipeline_a_stage_and_a_name() -> None:
    given(EVE).when(convert(stage="New")).refused(StageWithoutPipeline)
    given(EVE).when(convert(opportunity=OPPORTUNITY)).refused(StageWithoutPipeline)
    given(EVE).when(convert(pipeline=PIPELINE)).refused(StageWithoutPipeline)
    given(EVE).when(convert(pipeline=PIPELINE, stage="New")).refused(NoSuchPipeline)
    given(EVE, SALES).when(convert(pipeline=PIPELINE, stage="Won")).refused(NoSuchStage)
    unnamed = ConvertLead(lead=STREAM, pipeline=PIPELINE, stage="New")
    given(STRANGER, SALES).when(unnamed).refused(OpportunityUnnamed)

"""Opportunities: opened in a stage, moved, valued, won or lost, and reopened."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from commands.opportunities import (
    AssignOpportunity,
    ChangeStage,
    ExpectClose,
    JoinContact,
    LeaveContact,
    LoseOpportunity,
    OpenOpportunity,
    RenameOpportunity,
    ReopenOpportunity,
    RevalueOpportunity,
    WinOpportunity,
)
from commands.registry import Command
from domain.money import CurrencyMissing
from domain.opportunities import (
    NoSuchOpportunity,
    NoSuchStage,
    OpportunityAssigned,
    OpportunityContactJoined,
    OpportunityContactLeft,
    OpportunityExists,
    OpportunityExpectedCloseChanged,
    OpportunityIsClosed,
    OpportunityIsOpen,
    OpportunityLost,
    OpportunityOpened,
    OpportunityRenamed,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityStageChanged,
    OpportunityWon,
)
from domain.pipelines import NoSuchPipeline, PipelineDefined, Stage
from tests.given import STREAM, given, on

ADA, ACME, EVE, SAM, PIPELINE = (UUID(int=n) for n in range(101, 106))
SALES = on(
    PIPELINE,
    PipelineDefined(name="Sales", stages=(Stage("New"), Stage("Offer"), Stage("Won", "won"))),
)
OPENED = OpportunityOpened(
    name="Acme renewal",
    pipeline=PIPELINE,
    stage="New",
    account=ACME,
    contact=EVE,
    owner=ADA,
    amount=Decimal(100),
    currency="EUR",
)
OPEN = OpenOpportunity(
    opportunity=STREAM,
    name="Acme renewal",
    pipeline=PIPELINE,
    stage="New",
    account=ACME,
    contact=EVE,
    owner=ADA,
    amount=Decimal(100),
    currency="EUR",
)
WON = OpportunityWon()
LOST = OpportunityLost(lost_reason="price")


def test_an_opportunity_is_opened_once() -> None:
    given(SALES).when(OPEN).then(OPENED).concerning(ACME, EVE)
    given(SALES, OPENED).when(OPEN).then()


def test_another_one_cannot_take_its_place() -> None:
    other = OPEN.model_copy(update={"name": "Bolt"})
    given(SALES, OPENED).when(other).refused(OpportunityExists, name="Acme renewal")


def test_it_is_opened_in_an_open_stage_of_a_pipeline() -> None:
    given().when(OPEN).refused(NoSuchPipeline)
    for stage in ("Won", "Lunch"):
        given(SALES).when(OPEN.model_copy(update={"stage": stage})).refused(
            NoSuchStage, stage=stage, stages="New, Offer"
        )


def test_an_amount_needs_a_currency() -> None:
    given(SALES).when(OPEN.model_copy(update={"currency": None})).refused(CurrencyMissing)
    given(SALES, OPENED).when(WinOpportunity(opportunity=STREAM, amount=Decimal(1))).refused(
        CurrencyMissing
    )


def test_it_is_renamed() -> None:
    given(OPENED).when(RenameOpportunity(opportunity=STREAM, name="Acme")).then(
        OpportunityRenamed(name="Acme")
    )
    given(OPENED).when(RenameOpportunity(opportunity=STREAM, name="Acme renewal")).then()


def test_it_moves_to_another_stage() -> None:
    given(SALES, OPENED).when(ChangeStage(opportunity=STREAM, stage="Offer")).then(
        OpportunityStageChanged(from_stage="New", to_stage="Offer")
    )
    given(SALES, OPENED).when(ChangeStage(opportunity=STREAM, stage="New")).then()
    given(SALES, OPENED).when(ChangeStage(opportunity=STREAM, stage="Won")).refused(NoSuchStage)


def test_it_is_valued() -> None:
    worth = RevalueOpportunity(opportunity=STREAM, amount=Decimal(200), currency="EUR")
    given(OPENED).when(worth).then(OpportunityRevalued(amount=Decimal(200), currency="EUR"))
    given(OPENED, OpportunityRevalued(amount=Decimal(200), currency="EUR")).when(worth).then()


def test_it_is_expected_to_close() -> None:
    soon = ExpectClose(opportunity=STREAM, expected_close=date(2025, 1, 2))
    expected = OpportunityExpectedCloseChanged(expected_close=date(2025, 1, 2))
    given(OPENED).when(soon).then(expected)
    given(OPENED, expected).when(soon).then()


def test_it_is_handed_over_even_when_closed() -> None:
    given(OPENED, WON).when(AssignOpportunity(opportunity=STREAM, owner=SAM)).then(
        OpportunityAssigned(owner=SAM)
    )
    given(OPENED).when(AssignOpportunity(opportunity=STREAM, owner=ADA)).then()


def test_contacts_join_with_a_role_and_leave() -> None:
    joined = OpportunityContactJoined(contact=SAM, role="decides")
    join = JoinContact(opportunity=STREAM, contact=SAM, role="decides")
    given(OPENED).when(join).then(joined).concerning(ACME, EVE, SAM)
    given(OPENED, joined).when(join).then()
    given(OPENED, joined).when(JoinContact(opportunity=STREAM, contact=SAM)).then()
    given(OPENED, joined).when(LeaveContact(opportunity=STREAM, contact=SAM)).then(
        OpportunityContactLeft(contact=SAM)
    ).concerning(ACME, EVE, SAM)
    given(OPENED).when(LeaveContact(opportunity=STREAM, contact=SAM)).then()


def test_a_contact_takes_on_another_role() -> None:
    given(OPENED).when(JoinContact(opportunity=STREAM, contact=EVE, role="pays")).then(
        OpportunityContactJoined(contact=EVE, role="pays")
    )


def test_it_is_won_once() -> None:
    win = WinOpportunity(opportunity=STREAM, amount=Decimal(90), currency="EUR")
    won = OpportunityWon(amount=Decimal(90), currency="EUR")
    given(OPENED).when(win).then(won)
    given(OPENED, won).when(win).then()
    given(OPENED, won).when(WinOpportunity(opportunity=STREAM)).then()


def test_what_it_was_won_for_does_not_change_silently() -> None:
    win = WinOpportunity(opportunity=STREAM, amount=Decimal(90), currency="EUR")
    given(OPENED, WON).when(win).refused(OpportunityIsClosed)


def test_it_is_lost_once_and_for_one_reason() -> None:
    lose = LoseOpportunity(opportunity=STREAM, lost_reason="price", note="too dear")
    given(OPENED).when(lose).then(OpportunityLost(lost_reason="price", note="too dear"))
    given(OPENED, LOST).when(lose).then()
    given(OPENED, LOST).when(LoseOpportunity(opportunity=STREAM, lost_reason="time")).refused(
        OpportunityIsClosed
    )


@pytest.mark.parametrize("end", [WON, LOST])
def test_it_is_reopened_where_it_was_or_elsewhere(end: OpportunityWon | OpportunityLost) -> None:
    given(SALES, OPENED, end).when(ReopenOpportunity(opportunity=STREAM)).then(
        OpportunityReopened(stage="New")
    )
    given(SALES, OPENED, end).when(ReopenOpportunity(opportunity=STREAM, stage="Offer")).then(
        OpportunityReopened(stage="Offer")
    )
    given(SALES, OPENED, end).when(ReopenOpportunity(opportunity=STREAM, stage="Won")).refused(
        NoSuchStage
    )


def test_an_open_one_cannot_be_reopened() -> None:
    given(SALES, OPENED).when(ReopenOpportunity(opportunity=STREAM)).refused(OpportunityIsOpen)
    given(SALES, OPENED, WON, OpportunityReopened(stage="New")).when(
        ReopenOpportunity(opportunity=STREAM)
    ).refused(OpportunityIsOpen)


@pytest.mark.parametrize("end", [WON, LOST])
@pytest.mark.parametrize(
    "command",
    [
        ChangeStage(opportunity=STREAM, stage="Offer"),
        RevalueOpportunity(opportunity=STREAM, amount=Decimal(1), currency="EUR"),
        ExpectClose(opportunity=STREAM, expected_close=date(2025, 1, 2)),
    ],
)
def test_a_closed_one_stays_where_it_is(
    command: Command, end: OpportunityWon | OpportunityLost
) -> None:
    given(SALES, OPENED, end).when(command).refused(OpportunityIsClosed)


def test_won_is_not_lost_nor_the_other_way_round() -> None:
    given(OPENED, WON).when(LoseOpportunity(opportunity=STREAM, lost_reason="price")).refused(
        OpportunityIsClosed
    )
    given(OPENED, LOST).when(WinOpportunity(opportunity=STREAM)).refused(OpportunityIsClosed)


@pytest.mark.parametrize(
    "command",
    [
        RenameOpportunity(opportunity=STREAM, name="Acme"),
        ChangeStage(opportunity=STREAM, stage="Offer"),
        RevalueOpportunity(opportunity=STREAM, amount=Decimal(1), currency="EUR"),
        ExpectClose(opportunity=STREAM, expected_close=date(2025, 1, 2)),
        AssignOpportunity(opportunity=STREAM, owner=ADA),
        JoinContact(opportunity=STREAM, contact=EVE),
        LeaveContact(opportunity=STREAM, contact=EVE),
        WinOpportunity(opportunity=STREAM),
        LoseOpportunity(opportunity=STREAM, lost_reason="price"),
        ReopenOpportunity(opportunity=STREAM),
    ],
)
def test_one_that_is_not_there_does_not_change(command: Command) -> None:
    given(SALES).when(command).refused(NoSuchOpportunity)


def test_who_saw_an_old_version_hears_of_it() -> None:
    given(SALES, OPENED, OpportunityRenamed(name="Acme")).when(
        ChangeStage(opportunity=STREAM, stage="Offer"), seen=1
    ).conflicts()

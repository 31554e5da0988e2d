"""What one may ask of an interaction."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from commands.desk import Desk
from commands.facts import fact_of
from commands.fields import Name, Text
from commands.registry import Command, handles
from domain import interactions
from domain.interactions import (
    INTERACTION,
    Channel,
    Direction,
    InteractionCorrected,
    InteractionReattributed,
    InteractionRecorded,
)
from domain.kernel import new_id

URL_MAX = 2_000
SECONDS_MAX = 31 * 24 * 3600

Url = Annotated[str, StringConstraints(min_length=1, max_length=URL_MAX)]
Seconds = Annotated[int, Field(ge=0, le=SECONDS_MAX)]


class RecordInteraction(Command, name="record-interaction"):
    """Records a contact between a customer and us: a call, a meeting, an e-mail, a visit."""

    interaction: UUID = Field(default_factory=new_id)
    channel: Channel
    direction: Direction = Field(description="Who turned to whom: in is the customer to us.")
    kind: Name | None = Field(
        default=None,
        description="What happened: visited, sent, opened, clicked, replied, held, missed.",
    )
    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None
    opportunity: UUID | None = None
    case: UUID | None = None
    member: UUID | None = Field(default=None, description="Our person in it.")
    campaign: UUID | None = None
    subject: Name | None = None
    body: Text | None = None
    url: Url | None = None
    duration_seconds: Seconds | None = None
    external_id: Name | None = None


class CorrectInteraction(Command, name="correct-interaction"):
    """Corrects what was recorded wrongly of an interaction."""

    interaction: UUID
    channel: Channel | None = None
    direction: Direction | None = None
    kind: Name | None = None
    case: UUID | None = None
    member: UUID | None = None
    campaign: UUID | None = None
    subject: Name | None = None
    body: Text | None = None
    url: Url | None = None
    duration_seconds: Seconds | None = None
    cleared: tuple[
        Literal["kind", "case", "member", "campaign", "subject", "body", "url", "duration_seconds"],
        ...,
    ] = Field(default=(), max_length=8, description="Fields to be emptied.")


class ReattributeInteraction(Command, name="reattribute-interaction"):
    """Gives an interaction to the customer or the opportunity that it belongs to."""

    interaction: UUID
    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None
    opportunity: UUID | None = None
    cleared: tuple[Literal["contact", "account", "lead", "opportunity"], ...] = Field(
        default=(), max_length=4, description="Fields to be emptied."
    )


class WithdrawInteraction(Command, name="withdraw-interaction"):
    """Takes an interaction back that never took place."""

    interaction: UUID
    withdraw_reason: Name


@handles(RecordInteraction)
def record_interaction(ask: RecordInteraction, desk: Desk) -> None:
    fact = fact_of(InteractionRecorded, ask)
    desk.change(INTERACTION, ask.interaction, lambda it: interactions.record(it, fact))


@handles(CorrectInteraction)
def correct_interaction(ask: CorrectInteraction, desk: Desk) -> None:
    fact = fact_of(InteractionCorrected, ask)
    desk.change(INTERACTION, ask.interaction, lambda it: interactions.correct(it, fact))


@handles(ReattributeInteraction)
def reattribute_interaction(ask: ReattributeInteraction, desk: Desk) -> None:
    fact = fact_of(InteractionReattributed, ask)
    desk.change(INTERACTION, ask.interaction, lambda it: interactions.reattribute(it, fact))


@handles(WithdrawInteraction)
def withdraw_interaction(ask: WithdrawInteraction, desk: Desk) -> None:
    desk.change(
        INTERACTION,
        ask.interaction,
        lambda it: interactions.withdraw(it, withdraw_reason=ask.withdraw_reason),
    )

"""An interaction: one contact between a customer and us, on any channel, in or out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never
from uuid import UUID

from domain.details import differs, learned, news
from domain.kernel import Aggregate, Event, Personal, Refused, event, some

Channel = Literal[
    "web",
    "download",
    "webinar",
    "email",
    "call",
    "meeting",
    "message",
    "social",
    "letter",
    "event",
]
Direction = Literal["in", "out"]

# --- Events: stored as written; change them only by adding a version.


@event("interaction.recorded", summary="{channel} {direction}: {kind} {subject}")
class InteractionRecorded(Event):
    channel: Channel
    direction: Direction
    """Who turned to whom: ``in`` is the customer to us."""
    kind: str | None = None
    """What happened on the channel: visited, sent, opened, clicked, replied, held, missed."""
    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None
    opportunity: UUID | None = None
    case: UUID | None = None
    member: UUID | None = None
    """Our person in it."""
    campaign: UUID | None = None
    subject: Personal[str] | None = None
    body: Personal[str] | None = None
    url: str | None = None
    duration_seconds: int | None = None
    external_id: str | None = None


@event("interaction.corrected", summary="the record of it was wrong and is corrected")
class InteractionCorrected(Event):
    channel: Channel | None = None
    direction: Direction | None = None
    kind: str | None = None
    case: UUID | None = None
    member: UUID | None = None
    campaign: UUID | None = None
    subject: Personal[str] | None = None
    body: Personal[str] | None = None
    url: str | None = None
    duration_seconds: int | None = None
    cleared: tuple[str, ...] = ()


@event("interaction.reattributed", summary="it belongs to another customer or opportunity")
class InteractionReattributed(Event):
    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None
    opportunity: UUID | None = None
    cleared: tuple[str, ...] = ()


@event("interaction.withdrawn", summary="it never took place: {withdraw_reason}")
class InteractionWithdrawn(Event):
    withdraw_reason: str


InteractionEvent = (
    InteractionRecorded | InteractionCorrected | InteractionReattributed | InteractionWithdrawn
)

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Interaction:
    known: InteractionRecorded | None = None
    """As if recorded today."""
    withdrawn: bool = False


def evolve(it: Interaction, fact: InteractionEvent) -> Interaction:
    match fact:
        case InteractionRecorded():
            return Interaction(fact)
        case InteractionCorrected() | InteractionReattributed():
            return replace(it, known=learned(it.known, fact))
        case InteractionWithdrawn():
            return replace(it, withdrawn=True)
        case _:
            assert_never(fact)


def subjects(it: Interaction) -> tuple[UUID, ...]:
    return some(it.known.contact, it.known.account, it.known.lead) if it.known else ()


def person(it: Interaction) -> UUID | None:
    return (it.known.contact or it.known.lead or it.known.account) if it.known else None


INTERACTION = Aggregate("interaction", Interaction(), evolve, subjects, person=person)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchInteraction(Refused):
    """There is no such interaction."""


class InteractionExists(Refused):
    """This interaction has been recorded already, with other content. Correct it instead."""


class InteractionIsWithdrawn(Refused):
    """The interaction was withdrawn."""


class NobodyConcerned(Refused):
    """An interaction needs a contact, an account or a lead."""


def record(it: Interaction, fact: InteractionRecorded) -> list[InteractionEvent]:
    if it.known is not None:
        if differs(it.known, fact):
            raise InteractionExists
        return []
    _check_concerned(fact)
    return [fact]


def correct(it: Interaction, fact: InteractionCorrected) -> list[InteractionEvent]:
    return [*news(_standing(it), fact)]


def reattribute(it: Interaction, fact: InteractionReattributed) -> list[InteractionEvent]:
    known = _standing(it)
    changes = news(known, fact)
    for change in changes:
        _check_concerned(learned(known, change))
    return [*changes]


def withdraw(it: Interaction, *, withdraw_reason: str) -> list[InteractionEvent]:
    if it.withdrawn:
        return []
    _standing(it)
    return [InteractionWithdrawn(withdraw_reason=withdraw_reason)]


def _standing(it: Interaction) -> InteractionRecorded:
    if it.known is None:
        raise NoSuchInteraction
    if it.withdrawn:
        raise InteractionIsWithdrawn
    return it.known


def _check_concerned(known: InteractionRecorded | None) -> None:
    if known is not None and not some(known.contact, known.account, known.lead):
        raise NobodyConcerned

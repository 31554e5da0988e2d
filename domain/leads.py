"""A lead: someone who may become a customer, until they are converted or discarded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never
from uuid import UUID

from domain.details import differs, forgotten, learned, news
from domain.erasure import CertificateDetails, ErasureDetails, PersonIsErased
from domain.kernel import Aggregate, Event, Personal, Refused, event, some

SCORE_MAX = 100

# --- Events: stored as written; change them only by adding a version.


class LeadDetails(Event):
    """What the events of a lead have in common; no fact by itself."""

    first_name: Personal[str] | None = None
    last_name: Personal[str] | None = None
    email: Personal[str] | None = None
    phone: Personal[str] | None = None
    company: str | None = None
    title: Personal[str] | None = None
    """Their position: “Head of purchasing”."""
    country: Personal[str] | None = None
    source: str | None = None
    """How we came to know of them: “webinar”."""
    campaign: str | None = None
    interest: Personal[str] | None = None
    """What they said they look for."""
    external_id: str | None = None


@event("lead.captured", summary="captured from {source}")
class LeadCaptured(LeadDetails):
    owner: UUID | None = None


@event("lead.details_changed", summary="changed details")
class LeadDetailsChanged(LeadDetails):
    cleared: tuple[str, ...] = ()


@event("lead.assigned", summary="handed to another owner")
class LeadAssigned(Event):
    owner: UUID


@event("lead.qualified", summary="qualified with a score of {score}")
class LeadQualified(Event):
    score: int | None = None
    """0 to 100."""
    note: Personal[str] | None = None


@event("lead.discarded", summary="discarded: {discard_reason}")
class LeadDiscarded(Event):
    discard_reason: str


@event("lead.reopened", summary="reopened")
class LeadReopened(Event):
    pass


@event("lead.converted", summary="converted into a contact")
class LeadConverted(Event):
    contact: UUID
    account: UUID | None = None
    opportunity: UUID | None = None


@event("lead.erased", summary="erased ({ground})")
class LeadErased(ErasureDetails):
    contact: UUID | None = None
    """The contact that they had become, and were erased as."""


@event("lead.erasure_certified", summary="erasure complete")
class LeadErasureCertified(CertificateDetails):
    pass


LeadEvent = (
    LeadCaptured
    | LeadDetailsChanged
    | LeadAssigned
    | LeadQualified
    | LeadDiscarded
    | LeadReopened
    | LeadConverted
    | LeadErased
    | LeadErasureCertified
)

# --- State: only what a decision needs.

LeadStatus = Literal["new", "qualified", "discarded", "converted"]


@dataclass(frozen=True, slots=True)
class Lead:
    known: LeadCaptured | None = None
    """As if captured today."""
    status: LeadStatus = "new"
    qualified: LeadQualified | None = None
    discard_reason: str | None = None
    converted: LeadConverted | None = None
    erased: PersonIsErased | None = None


def evolve(it: Lead, fact: LeadEvent) -> Lead:
    match fact:
        case LeadCaptured():
            return replace(it, known=fact)
        case LeadDetailsChanged() | LeadAssigned():
            return replace(it, known=learned(it.known, fact))
        case LeadQualified():
            return replace(it, status="qualified", qualified=fact)
        case LeadDiscarded():
            return replace(it, status="discarded", discard_reason=fact.discard_reason)
        case LeadReopened():
            return replace(it, status="qualified" if it.qualified else "new")
        case LeadConverted():
            return replace(it, status="converted", converted=fact)
        case LeadErased():
            erased = PersonIsErased(fact.request)
            return replace(it, known=forgotten(it.known), qualified=_bare(it), erased=erased)
        case LeadErasureCertified():
            return replace(it, erased=it.erased and PersonIsErased(it.erased.request, True))
        case _:
            assert_never(fact)


def _bare(it: Lead) -> LeadQualified | None:
    return it.qualified and LeadQualified(score=it.qualified.score)


def subjects(it: Lead) -> tuple[UUID, ...]:
    return some(it.converted.contact, it.converted.account) if it.converted else ()


LEAD = Aggregate("lead", Lead(), evolve, subjects, is_subject=True)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchLead(Refused):
    """There is no such lead."""


class LeadExists(Refused):
    """This lead is there already, with other details. Change them instead."""


class LeadUnnamed(Refused):
    """A lead needs a name, an e-mail address, a phone number, a company or an external id."""


class LeadIsConverted(Refused):
    """This lead was converted. Its history goes on with the contact that it became."""


class LeadIsDiscarded(Refused):
    """A discarded lead stays as it is. Reopen it first."""


class LeadIsOpen(Refused):
    """The lead is open; there is nothing to reopen."""


def capture(it: Lead, fact: LeadCaptured) -> list[LeadEvent]:
    if it.known is not None:
        if differs(it.known, fact):
            raise LeadExists
        return []
    _check_named(fact)
    return [fact]


def change_details(it: Lead, fact: LeadDetailsChanged) -> list[LeadEvent]:
    known = must_be_open(it)
    changes: list[LeadEvent] = [*news(known, fact)]
    for change in changes:
        _check_named(learned(known, change))
    return changes


def assign(it: Lead, *, owner: UUID) -> list[LeadEvent]:
    return [] if must_be_open(it).owner == owner else [LeadAssigned(owner=owner)]


def qualify(it: Lead, *, score: int | None, note: str | None) -> list[LeadEvent]:
    must_be_open(it)
    fact = LeadQualified(score=score, note=note)
    return [] if it.qualified == fact else [fact]


def discard(it: Lead, *, discard_reason: str) -> list[LeadEvent]:
    if it.status == "discarded" and it.discard_reason == discard_reason:
        return []
    must_be_open(it)
    return [LeadDiscarded(discard_reason=discard_reason)]


def reopen(it: Lead) -> list[LeadEvent]:
    if it.status == "discarded":
        return [LeadReopened()]
    must_be_open(it)
    raise LeadIsOpen


def convert(it: Lead, fact: LeadConverted) -> list[LeadEvent]:
    if it.converted == fact:
        return []
    must_be_open(it)
    return [fact]


def erase(it: Lead, fact: LeadErased) -> list[LeadEvent]:
    """A lead that became a contact is erased with them and not before."""
    if it.known is None:
        raise NoSuchLead
    if it.converted is not None and it.converted.contact != fact.contact:
        raise LeadIsConverted(contact=it.converted.contact)
    return [] if it.erased else [fact]


def certify_erasure(it: Lead, fact: LeadErasureCertified) -> list[LeadEvent]:
    return [fact] if it.erased and not it.erased.certified else []


def must_be_open(it: Lead) -> LeadCaptured:
    """What is known of a lead that can still change.

    Raises:
        NoSuchLead, LeadIsConverted, LeadIsDiscarded: it cannot.
    """
    if it.known is None:
        raise NoSuchLead
    if it.converted is not None:
        raise LeadIsConverted(contact=it.converted.contact)
    if it.status == "discarded":
        raise LeadIsDiscarded
    return it.known


def _check_named(known: LeadCaptured) -> None:
    person = known.first_name or known.last_name or known.email or known.phone
    if not (person or known.company or known.external_id):
        raise LeadUnnamed(field="last_name")

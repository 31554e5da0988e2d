"""A contact: a person whom we deal with, at an account or on their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never
from uuid import UUID

from domain.details import differs, forgotten, learned, news
from domain.erasure import CertificateDetails, ErasureDetails, PersonIsErased
from domain.kernel import Aggregate, Event, Personal, Refused, event, some

# --- Events: stored as written; change them only by adding a version.


class ContactDetails(Event):
    """What the events of a contact have in common; no fact by itself."""

    first_name: Personal[str] | None = None
    last_name: Personal[str] | None = None
    email: Personal[str] | None = None
    phone: Personal[str] | None = None
    mobile: Personal[str] | None = None
    title: Personal[str] | None = None
    """Their position: “Head of purchasing”."""
    department: Personal[str] | None = None
    birthdate: Personal[date] | None = None
    street: Personal[str] | None = None
    city: Personal[str] | None = None
    region: Personal[str] | None = None
    postal_code: Personal[str] | None = None
    country: Personal[str] | None = None
    language: Personal[str] | None = None
    do_not_call: Personal[bool] | None = None
    lead_source: str | None = None
    external_id: str | None = None


@event("contact.added", summary="added the contact")
class ContactAdded(ContactDetails):
    account: UUID | None = None
    owner: UUID | None = None
    lead: UUID | None = None
    """The lead whose conversion added them: its history goes on here."""


@event("contact.details_changed", summary="changed details")
class ContactDetailsChanged(ContactDetails):
    cleared: tuple[str, ...] = ()


@event("contact.details_corrected", summary="corrected details")
class ContactDetailsCorrected(ContactDetails):
    cleared: tuple[str, ...] = ()


@event("contact.assigned", summary="handed to another owner")
class ContactAssigned(Event):
    owner: UUID


@event("contact.account_joined", summary="joined an account as {role}")
class ContactAccountJoined(Event):
    account: UUID
    role: Personal[str] | None = None


@event("contact.account_left", summary="left an account")
class ContactAccountLeft(Event):
    account: UUID


@event("contact.held", summary="to be kept for “{hold}”")
class ContactHeld(Event):
    """A legal hold: until it is released, nobody may erase them."""

    hold: str
    """What it is filed under: a case, an audit."""
    purposes: tuple[str, ...] = ()
    """What has to be kept, and for what."""


@event("contact.hold_released", summary="need not be kept for “{hold}” any more")
class ContactHoldReleased(Event):
    hold: str


@event("contact.exported", summary="all that is known of them was handed out")
class ContactExported(Event):
    facts: int
    """How many facts were in it."""
    request: str | None = None


@event("contact.erased", summary="erased ({ground})")
class ContactErased(ErasureDetails):
    leads: tuple[UUID, ...] = ()
    """The leads that they had been, erased with them."""


@event("contact.erasure_certified", summary="erasure complete")
class ContactErasureCertified(CertificateDetails):
    pass


@event("contact.readmitted", summary="came back, and may be known again")
class ContactReadmitted(Event):
    ground: str
    """Why their data may be kept again."""


ContactEvent = (
    ContactAdded
    | ContactDetailsChanged
    | ContactDetailsCorrected
    | ContactAssigned
    | ContactAccountJoined
    | ContactAccountLeft
    | ContactHeld
    | ContactHoldReleased
    | ContactExported
    | ContactErased
    | ContactErasureCertified
    | ContactReadmitted
)

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Contact:
    known: ContactAdded | None = None
    """As if added today."""
    roles: Mapping[UUID, str | None] = field(default_factory=dict)
    """The accounts that they are with now, and as what."""
    holds: tuple[str, ...] = ()
    """The legal holds under which they must not be erased."""
    erased: PersonIsErased | None = None


def evolve(it: Contact, fact: ContactEvent) -> Contact:
    match fact:
        case ContactAdded():
            return replace(it, known=fact, roles=dict.fromkeys(some(fact.account)))
        case ContactDetailsChanged() | ContactDetailsCorrected() | ContactAssigned():
            return replace(it, known=learned(it.known, fact))
        case ContactAccountJoined():
            return replace(it, roles={**it.roles, fact.account: fact.role})
        case ContactAccountLeft():
            return replace(it, roles={a: r for a, r in it.roles.items() if a != fact.account})
        case ContactExported():
            return it
        case _:
            return _kept_or_erased(it, fact)


def _kept_or_erased(
    it: Contact,
    fact: ContactHeld
    | ContactHoldReleased
    | ContactErased
    | ContactErasureCertified
    | ContactReadmitted,
) -> Contact:
    match fact:
        case ContactHeld():
            return replace(it, holds=tuple(dict.fromkeys((*it.holds, fact.hold))))
        case ContactHoldReleased():
            return replace(it, holds=tuple(hold for hold in it.holds if hold != fact.hold))
        case ContactErased():
            erased = PersonIsErased(fact.request)
            roles = dict.fromkeys(it.roles)
            return replace(it, known=forgotten(it.known), roles=roles, erased=erased)
        case ContactErasureCertified():
            return replace(it, erased=it.erased and PersonIsErased(it.erased.request, True))
        case ContactReadmitted():
            return replace(it, erased=None)
        case _:
            assert_never(fact)


def subjects(it: Contact) -> tuple[UUID, ...]:
    return some(*it.roles, it.known.lead if it.known else None)


CONTACT = Aggregate("contact", Contact(), evolve, subjects, is_subject=True)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchContact(Refused):
    """There is no such contact."""


class ContactExists(Refused):
    """This contact is there already, with other details. Change them instead."""


class ContactUnnamed(Refused):
    """A contact needs a name, an e-mail address or an external id."""


def add(it: Contact, fact: ContactAdded) -> list[ContactEvent]:
    if it.known is not None:
        if differs(it.known, fact):
            raise ContactExists
        return []
    _check_named(fact)
    return [fact]


def change_details(
    it: Contact, fact: ContactDetailsChanged | ContactDetailsCorrected
) -> list[ContactEvent]:
    changes: list[ContactEvent] = [*news(must_exist(it), fact)]
    for change in changes:
        _check_named(learned(must_exist(it), change))
    return changes


def assign(it: Contact, *, owner: UUID) -> list[ContactEvent]:
    return [] if must_exist(it).owner == owner else [ContactAssigned(owner=owner)]


def join_account(it: Contact, *, account: UUID, role: str | None) -> list[ContactEvent]:
    """A contact who is with the account already takes on the role, where one is given."""
    must_exist(it)
    if account in it.roles and role in (None, it.roles[account]):
        return []
    return [ContactAccountJoined(account=account, role=role)]


def leave_account(it: Contact, *, account: UUID) -> list[ContactEvent]:
    must_exist(it)
    return [ContactAccountLeft(account=account)] if account in it.roles else []


class ContactIsHeld(Refused):
    """This contact is kept for {holds}. They cannot be erased before that is released."""


class NoSuchHold(Refused):
    """There is no hold “{hold}” on this contact."""


def hold(it: Contact, fact: ContactHeld) -> list[ContactEvent]:
    must_exist(it)
    return [] if fact.hold in it.holds else [fact]


def release_hold(it: Contact, *, hold: str) -> list[ContactEvent]:
    must_exist(it)
    if hold not in it.holds:
        raise NoSuchHold(field="hold", hold=hold)
    return [ContactHoldReleased(hold=hold)]


def export(it: Contact, fact: ContactExported) -> list[ContactEvent]:
    must_exist(it)
    return [fact]


def erase(it: Contact, fact: ContactErased) -> list[ContactEvent]:
    must_exist(it)
    if it.holds:
        raise ContactIsHeld(holds=", ".join(f"“{hold}”" for hold in it.holds))
    return [] if it.erased else [fact]


def certify_erasure(it: Contact, fact: ContactErasureCertified) -> list[ContactEvent]:
    return [fact] if it.erased and not it.erased.certified else []


def readmit(it: Contact, *, ground: str) -> list[ContactEvent]:
    must_exist(it)
    return [ContactReadmitted(ground=ground)] if it.erased else []


def must_exist(it: Contact) -> ContactAdded:
    """What is known of the contact.

    Raises:
        NoSuchContact: there is none.
    """
    if it.known is None:
        raise NoSuchContact
    return it.known


def _check_named(known: ContactAdded) -> None:
    if not (known.first_name or known.last_name or known.email or known.external_id):
        raise ContactUnnamed(field="last_name")

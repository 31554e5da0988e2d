"""A contact: a person whom we deal with, at an account or on their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never
from uuid import UUID

from domain.details import differs, learned, news
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


ContactEvent = (
    ContactAdded
    | ContactDetailsChanged
    | ContactDetailsCorrected
    | ContactAssigned
    | ContactAccountJoined
    | ContactAccountLeft
)

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Contact:
    known: ContactAdded | None = None
    """As if added today."""
    roles: Mapping[UUID, str | None] = field(default_factory=dict)
    """The accounts that they are with now, and as what."""


def evolve(it: Contact, fact: ContactEvent) -> Contact:
    match fact:
        case ContactAdded():
            return Contact(fact, dict.fromkeys(some(fact.account)))
        case ContactDetailsChanged() | ContactDetailsCorrected() | ContactAssigned():
            return replace(it, known=learned(it.known, fact))
        case ContactAccountJoined():
            return replace(it, roles={**it.roles, fact.account: fact.role})
        case ContactAccountLeft():
            return replace(it, roles={a: r for a, r in it.roles.items() if a != fact.account})
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

"""What one may ask of a contact."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from pydantic import Field

from commands.desk import Desk
from commands.facts import fact_of
from commands.fields import Cleared, Country, Email, Name, email_key
from commands.registry import Command, handles
from domain import contacts
from domain.contacts import (
    CONTACT,
    ContactAdded,
    ContactDetailsChanged,
    ContactDetailsCorrected,
)
from domain.kernel import Refused, new_id

EMAIL_CLAIM = "contact_email"
"""The kind of claim that makes an e-mail address belong to one contact."""


class EmailTaken(Refused):
    """Another contact has this e-mail address already."""


class ContactDetails(Command, claims=("email",)):
    """What can be said of a contact."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: Name | None = None
    mobile: Name | None = None
    title: Name | None = Field(default=None, description="Their position: “Head of purchasing”.")
    department: Name | None = None
    birthdate: date | None = None
    street: Name | None = None
    city: Name | None = None
    region: Name | None = None
    postal_code: Name | None = None
    country: Country | None = None
    language: Name | None = None
    do_not_call: bool | None = None
    lead_source: Name | None = None
    external_id: Name | None = None
    allow_duplicate: bool = Field(
        default=False, description="Whether another contact may have the same e-mail address."
    )

    def claimed(self) -> Collection[tuple[str, str]]:
        return [(EMAIL_CLAIM, email_key(self.email))] if self.email else []


class AddContact(ContactDetails, name="add-contact"):
    """Adds a person, with a name, an e-mail address or an external id."""

    contact: UUID = Field(default_factory=new_id)
    account: UUID | None = None
    owner: UUID | None = None


class ChangeContact(ContactDetails, name="change-contact"):
    """Changes the details of a contact, because they have become different."""

    contact: UUID
    cleared: Cleared = ()


class CorrectContact(ContactDetails, name="correct-contact"):
    """Corrects the details of a contact, because they were wrong."""

    contact: UUID
    cleared: Cleared = ()


class AssignContact(Command, name="assign-contact"):
    """Hands a contact to another owner."""

    contact: UUID
    owner: UUID


class JoinAccount(Command, name="join-account"):
    """Adds a contact to an account, or gives them another role there."""

    contact: UUID
    account: UUID
    role: Name | None = None


class LeaveAccount(Command, name="leave-account"):
    """Says that a contact is no longer with an account."""

    contact: UUID
    account: UUID


def add_with_claim(desk: Desk, contact: UUID, fact: ContactAdded, allow_duplicate: bool) -> None:
    """Adds a contact who from then on holds their e-mail address.

    Raises:
        EmailTaken: another one holds it, and duplicates are not allowed.
    """
    before = desk.state(CONTACT, contact).known
    after = desk.change(CONTACT, contact, lambda it: contacts.add(it, fact)).known
    _move_claim(desk, contact, before, after, allow_duplicate)


def _change_with_claim(
    desk: Desk,
    contact: UUID,
    fact: ContactDetailsChanged | ContactDetailsCorrected,
    allow_duplicate: bool,
) -> None:
    before = desk.state(CONTACT, contact).known
    after = desk.change(CONTACT, contact, lambda it: contacts.change_details(it, fact)).known
    _move_claim(desk, contact, before, after, allow_duplicate)


def _move_claim(
    desk: Desk,
    contact: UUID,
    before: ContactAdded | None,
    after: ContactAdded | None,
    allow_duplicate: bool,
) -> None:
    old = email_key(before.email) if before and before.email else None
    new = email_key(after.email) if after and after.email else None
    if old == new:
        return
    if old and desk.owner(EMAIL_CLAIM, old) == contact:
        desk.release(EMAIL_CLAIM, old, contact)
    holder = desk.owner(EMAIL_CLAIM, new) if new else None
    if holder not in (None, contact) and not allow_duplicate:
        raise EmailTaken(field="email", contact=holder)
    if new and holder is None:
        desk.claim(EMAIL_CLAIM, new, contact)


@handles(AddContact)
def add_contact(ask: AddContact, desk: Desk) -> None:
    add_with_claim(desk, ask.contact, fact_of(ContactAdded, ask), ask.allow_duplicate)


@handles(ChangeContact)
def change_contact(ask: ChangeContact, desk: Desk) -> None:
    fact = fact_of(ContactDetailsChanged, ask)
    _change_with_claim(desk, ask.contact, fact, ask.allow_duplicate)


@handles(CorrectContact)
def correct_contact(ask: CorrectContact, desk: Desk) -> None:
    fact = fact_of(ContactDetailsCorrected, ask)
    _change_with_claim(desk, ask.contact, fact, ask.allow_duplicate)


@handles(AssignContact)
def assign_contact(ask: AssignContact, desk: Desk) -> None:
    desk.change(CONTACT, ask.contact, lambda it: contacts.assign(it, owner=ask.owner))


@handles(JoinAccount)
def join_account(ask: JoinAccount, desk: Desk) -> None:
    desk.change(
        CONTACT,
        ask.contact,
        lambda it: contacts.join_account(it, account=ask.account, role=ask.role),
    )


@handles(LeaveAccount)
def leave_account(ask: LeaveAccount, desk: Desk) -> None:
    desk.change(CONTACT, ask.contact, lambda it: contacts.leave_account(it, account=ask.account))

"""Contacts as people look at them, and which of them are with which account."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from domain.contacts import (
    ContactAccountJoined,
    ContactAccountLeft,
    ContactAdded,
    ContactAssigned,
    ContactDetailsChanged,
    ContactDetailsCorrected,
    ContactErased,
    ContactErasureCertified,
    ContactExported,
    ContactHeld,
    ContactHoldReleased,
    ContactReadmitted,
)
from domain.details import said
from domain.kernel import Recorded, some
from projections.kit import Key, View, view

_KEPT = (ContactHeld, ContactHoldReleased, ContactExported, ContactErasureCertified)


class ContactRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    mobile: str | None
    title: str | None
    department: str | None
    birthdate: date | None
    street: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    language: str | None
    do_not_call: bool | None
    lead_source: str | None
    external_id: str | None
    account: UUID | None
    """Of the accounts that they are with, the one that they have been with longest."""
    accounts: tuple[UUID, ...]
    owner: UUID | None
    lead: UUID | None
    """The lead that they were before."""
    added_at: datetime
    changed_at: datetime
    erased_at: datetime | None = None


@view
class Contacts(View[ContactRow]):
    name = "contacts"
    version = 2
    row = ContactRow
    reads = (
        ContactAdded,
        ContactDetailsChanged,
        ContactDetailsCorrected,
        ContactAssigned,
        ContactAccountJoined,
        ContactAccountLeft,
        ContactErased,
        ContactReadmitted,
        *_KEPT,
    )
    indexes = (
        "account",
        "USING gin (accounts)",
        "owner",
        "email",
        "external_id",
        "last_name, first_name",
        "changed_at, id",
    )

    def evolve(self, row: ContactRow | None, it: Recorded[Any], key: Key) -> ContactRow | None:
        if isinstance(it.event, ContactAdded):
            return _added(it)
        if row is None:
            return None
        return replace(row, **_changes(row, it), version=it.version, changed_at=it.occurred_at)


def _added(it: Recorded[ContactAdded]) -> ContactRow:
    return ContactRow(
        id=it.stream,
        version=it.version,
        accounts=some(it.event.account),
        added_at=it.occurred_at,
        changed_at=it.occurred_at,
        **asdict(it.event),
    )


def _changes(row: ContactRow, it: Recorded[Any]) -> dict[str, Any]:
    match it.event:
        case ContactErased():
            return {"erased_at": it.occurred_at}
        case ContactReadmitted():
            return {"erased_at": None}
        case ContactAccountJoined(account=account):
            return _at(some(*row.accounts, account))
        case ContactAccountLeft(account=account):
            return _at(tuple(a for a in row.accounts if a != account))
        case fact:
            return said(fact, ContactAdded)


def _at(accounts: tuple[UUID, ...]) -> dict[str, Any]:
    return {"accounts": accounts, "account": accounts[0] if accounts else None}


class ContactAccountRow(msgspec.Struct, frozen=True, kw_only=True):
    contact: UUID
    account: UUID
    version: int
    """Of the contact."""
    role: str | None
    joined_at: datetime
    left_at: datetime | None


@view
class ContactAccounts(View[ContactAccountRow]):
    """Who is and who was with an account."""

    name = "contact_accounts"
    version = 1
    row = ContactAccountRow
    key = ("contact", "account")
    reads = (ContactAdded, ContactAccountJoined, ContactAccountLeft)
    ignores = (
        *(ContactDetailsChanged, ContactDetailsCorrected, ContactAssigned),
        *(ContactErased, ContactReadmitted, *_KEPT),
    )
    indexes = ("account, left_at",)

    def keys(self, it: Recorded[Any]) -> Iterable[Key]:
        return () if it.event.account is None else ((it.stream, it.event.account),)

    def evolve(
        self, row: ContactAccountRow | None, it: Recorded[Any], key: Key
    ) -> ContactAccountRow | None:
        fact = it.event
        if isinstance(fact, ContactAccountLeft):
            return row and replace(row, version=it.version, left_at=it.occurred_at)
        role = fact.role if isinstance(fact, ContactAccountJoined) else None
        if row is not None and row.left_at is None:
            return replace(row, version=it.version, role=role)
        return ContactAccountRow(
            contact=it.stream,
            account=key[1],
            version=it.version,
            role=role,
            joined_at=it.occurred_at,
            left_at=None,
        )

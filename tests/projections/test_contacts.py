"""The rows of contacts, and of who is with which account."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from domain.contacts import (
    ContactAccountJoined,
    ContactAccountLeft,
    ContactAdded,
    ContactAssigned,
    ContactDetailsChanged,
    ContactDetailsCorrected,
)
from tests.given import START, STREAM, row, rows

ADA, ACME, BOLT = UUID(int=101), UUID(int=102), UUID(int=103)
EVE = ContactAdded(first_name="Eve", email="eve@acme.example", account=ACME)


def test_a_row_says_what_is_known_now() -> None:
    it = row(
        "contacts",
        EVE,
        ContactDetailsChanged(phone="1", cleared=("email",)),
        ContactDetailsCorrected(first_name="Eva"),
        ContactAssigned(owner=ADA),
    )
    assert (it.first_name, it.phone, it.email, it.owner) == ("Eva", "1", None, ADA)
    assert (it.version, it.changed_at) == (4, START + timedelta(days=3))


def test_the_first_account_that_is_left_is_the_main_one() -> None:
    both = (EVE, ContactAccountJoined(account=BOLT), ContactAccountJoined(account=BOLT, role="CEO"))
    assert (row("contacts", *both).account, row("contacts", *both).accounts) == (ACME, (ACME, BOLT))
    one = row("contacts", *both, ContactAccountLeft(account=ACME))
    assert (one.account, one.accounts) == (BOLT, (BOLT,))
    none = row("contacts", EVE, ContactAccountLeft(account=ACME))
    assert (none.account, none.accounts) == (None, ())


def test_who_is_and_who_was_with_an_account() -> None:
    found = rows(
        "contact_accounts",
        EVE,
        ContactDetailsChanged(phone="1"),
        ContactAccountJoined(account=BOLT, role="adviser"),
        ContactAccountJoined(account=ACME, role="buyer"),
        ContactAccountLeft(account=ACME),
    )
    acme, bolt = found[STREAM, ACME], found[STREAM, BOLT]
    assert (acme.role, acme.joined_at) == ("buyer", START)
    assert (acme.left_at, acme.version) == (START + timedelta(days=4), 5)
    assert (bolt.role, bolt.joined_at, bolt.left_at) == ("adviser", START + timedelta(days=2), None)


def test_whoever_comes_back_has_joined_anew() -> None:
    again = (ContactAccountLeft(account=ACME), ContactAccountJoined(account=ACME))
    (it,) = rows("contact_accounts", EVE, *again).values()
    assert (it.joined_at, it.left_at) == (START + timedelta(days=2), None)


def test_without_a_beginning_there_is_no_row() -> None:
    assert row("contacts", ContactDetailsChanged(phone="1")) is None
    assert rows("contact_accounts", ContactAccountLeft(account=ACME)) == {}
    assert rows("contact_accounts", ContactAdded(first_name="Eve")) == {}

"""Contacts: named, unique by e-mail address, with the accounts they are at."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from commands.contacts import (
    EMAIL_CLAIM,
    AddContact,
    AssignContact,
    ChangeContact,
    CorrectContact,
    EmailTaken,
    JoinAccount,
    LeaveAccount,
)
from commands.desk import Actor, Ask, NoSuchRecord, States
from commands.registry import Command
from domain.accounts import AccountOpened
from domain.contacts import (
    ContactAccountJoined,
    ContactAccountLeft,
    ContactAdded,
    ContactAssigned,
    ContactDetailsChanged,
    ContactDetailsCorrected,
    ContactExists,
    ContactUnnamed,
    NoSuchContact,
)
from domain.members import MemberAdded
from tests.given import STREAM, UNKNOWN, given, on

ADA, ACME, BOLT, GRACE = UUID(int=101), UUID(int=102), UUID(int=103), UUID(int=104)
EVE = ContactAdded(first_name="Eve", email="eve@acme.example", account=ACME, owner=ADA)
ADD_EVE = AddContact(
    contact=STREAM, first_name="Eve", email="eve@acme.example", account=ACME, owner=ADA
)


def test_a_contact_is_added_and_holds_the_address() -> None:
    story = given().when(ADD_EVE).then(EVE).concerning(STREAM, ACME)
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") == STREAM


def test_the_account_and_the_owner_of_a_contact_have_to_be_there() -> None:
    eve = AddContact(contact=STREAM, last_name="Eve", account=UNKNOWN)
    given().when(eve).refused(NoSuchRecord, noun="account")
    eve = AddContact(contact=STREAM, last_name="Eve", owner=UNKNOWN)
    given().when(eve).refused(NoSuchRecord, noun="member")


def test_adding_twice_is_adding_once() -> None:
    given().after(ADD_EVE).when(ADD_EVE).then()


def test_another_contact_cannot_take_the_place_of_one() -> None:
    given(EVE).when(AddContact(contact=STREAM, first_name="Eva")).refused(ContactExists)


@pytest.mark.parametrize("by", ["first_name", "last_name", "external_id"])
def test_one_name_or_id_is_enough(by: str) -> None:
    given().when(AddContact.model_validate({"contact": STREAM, by: "x"})).then(
        replace(ContactAdded(), **{by: "x"})
    )


def test_a_contact_is_somebody() -> None:
    given().when(AddContact(contact=STREAM, phone="1")).refused(ContactUnnamed)
    nameless = ChangeContact(contact=STREAM, phone="1", cleared=("first_name", "email"))
    given(EVE).when(nameless).refused(ContactUnnamed)


def test_an_address_belongs_to_one_contact_however_it_is_written() -> None:
    twin = AddContact(contact=GRACE, first_name="Grace", email="EVE@Acme.example")
    given().after(ADD_EVE).when(twin).refused(EmailTaken, contact=STREAM)


def test_a_duplicate_is_allowed_on_purpose_and_holds_nothing() -> None:
    twin = AddContact(contact=GRACE, email="eve@acme.example", allow_duplicate=True)
    story = given().after(ADD_EVE, twin)
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") == STREAM
    story.when(ChangeContact(contact=GRACE, cleared=("email",), first_name="Grace"))
    story.bus.dispatch(story.ask)
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") == STREAM


def test_a_duplicate_can_change_otherwise() -> None:
    twin = AddContact(contact=STREAM, email="eve@acme.example", allow_duplicate=True)
    given().after(ADD_EVE.model_copy(update={"contact": GRACE}), twin).when(
        ChangeContact(contact=STREAM, phone="1")
    ).then(ContactDetailsChanged(phone="1"))


def test_a_new_address_frees_the_old_one() -> None:
    story = given().after(ADD_EVE)
    story.when(ChangeContact(contact=STREAM, email="eve@home.example")).then(
        ContactDetailsChanged(email="eve@home.example")
    )
    assert story.holder(EMAIL_CLAIM, "eve@home.example") == STREAM
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") is None


def test_a_cleared_address_is_free() -> None:
    story = given().after(ADD_EVE)
    story.when(CorrectContact(contact=STREAM, cleared=("email",))).then(
        ContactDetailsCorrected(cleared=("email",))
    )
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") is None


def test_another_spelling_keeps_the_address() -> None:
    story = given().after(ADD_EVE)
    story.when(CorrectContact(contact=STREAM, email="Eve@acme.example")).then(
        ContactDetailsCorrected(email="Eve@acme.example")
    )
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") == STREAM


def test_a_taken_address_cannot_be_changed_to() -> None:
    grace = AddContact(contact=GRACE, email="grace@acme.example")
    story = given().after(ADD_EVE, grace)
    story.when(ChangeContact(contact=STREAM, email="grace@acme.example")).refused(
        EmailTaken, contact=GRACE
    )
    assert story.holder(EMAIL_CLAIM, "eve@acme.example") == STREAM


def test_who_loses_the_race_for_an_address_hears_the_sentence() -> None:
    story = given()
    twin = AddContact(contact=GRACE, email="eve@acme.example")
    stale = States(story.store)
    stale.prefetch([twin])
    story.after(ADD_EVE)
    (answer,) = story.bus.dispatch_all([Ask(twin, Actor("bot"))], stale)
    assert isinstance(answer, EmailTaken)


def test_within_a_batch_the_first_one_gets_the_address() -> None:
    story = given(on(ACME, AccountOpened(name="Acme")), on(ADA, MemberAdded(name="Ada")))
    asks = [ADD_EVE, AddContact(contact=GRACE, email="Eve@Acme.Example")]
    first, second = story.bus.dispatch_all([Ask(it, Actor("bot")) for it in asks])
    assert not isinstance(first, Exception)
    assert isinstance(second, EmailTaken)


def test_a_change_says_only_what_is_new() -> None:
    given(EVE).when(
        ChangeContact(contact=STREAM, first_name="Eve", birthdate=date(1990, 1, 2))
    ).then(ContactDetailsChanged(birthdate=date(1990, 1, 2)))
    given(EVE).when(ChangeContact(contact=STREAM, first_name="Eve")).then()
    given(EVE).when(ChangeContact(contact=STREAM, do_not_call=False)).then(
        ContactDetailsChanged(do_not_call=False)
    )


def test_what_was_wrong_is_corrected_not_changed() -> None:
    given(EVE).when(CorrectContact(contact=STREAM, first_name="Eva")).then(
        ContactDetailsCorrected(first_name="Eva")
    )


def test_a_contact_is_handed_over_once() -> None:
    given(EVE).when(AssignContact(contact=STREAM, owner=GRACE)).then(ContactAssigned(owner=GRACE))
    given(EVE).when(AssignContact(contact=STREAM, owner=ADA)).then()


def test_a_contact_joins_an_account() -> None:
    given(EVE).when(JoinAccount(contact=STREAM, account=BOLT, role="adviser")).then(
        ContactAccountJoined(account=BOLT, role="adviser")
    ).concerning(STREAM, ACME, BOLT)


def test_joining_again_changes_the_role_if_there_is_one() -> None:
    given(EVE).when(JoinAccount(contact=STREAM, account=ACME)).then()
    given(EVE).when(JoinAccount(contact=STREAM, account=ACME, role="buyer")).then(
        ContactAccountJoined(account=ACME, role="buyer")
    )
    buyer = ContactAccountJoined(account=ACME, role="buyer")
    given(EVE, buyer).when(JoinAccount(contact=STREAM, account=ACME, role="buyer")).then()


def test_leaving_still_concerns_the_account_but_nothing_after_does() -> None:
    story = given(EVE).when(LeaveAccount(contact=STREAM, account=ACME))
    story.then(ContactAccountLeft(account=ACME)).concerning(STREAM, ACME)
    given(EVE, ContactAccountLeft(account=ACME)).when(
        ChangeContact(contact=STREAM, phone="1")
    ).then(ContactDetailsChanged(phone="1")).concerning(STREAM)


def test_one_leaves_where_one_is() -> None:
    given(EVE).when(LeaveAccount(contact=STREAM, account=BOLT)).then()


@pytest.mark.parametrize(
    "command",
    [
        ChangeContact(contact=STREAM, phone="1"),
        CorrectContact(contact=STREAM, phone="1"),
        AssignContact(contact=STREAM, owner=ADA),
        JoinAccount(contact=STREAM, account=ACME),
        LeaveAccount(contact=STREAM, account=ACME),
    ],
)
def test_a_contact_who_is_not_there_does_not_change(command: Command) -> None:
    given().when(command).refused(NoSuchContact)


def test_who_saw_an_old_version_hears_of_it() -> None:
    given(EVE, ContactAssigned(owner=GRACE)).when(
        ChangeContact(contact=STREAM, phone="1"), seen=1
    ).conflicts()


@pytest.mark.parametrize("wrong", ["eve", "eve@", "@acme.example", "e ve@acme.example", "eve@acme"])
def test_an_address_looks_like_one(wrong: str) -> None:
    with pytest.raises(ValidationError):
        AddContact(email=wrong)

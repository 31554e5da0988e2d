from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from commands.about import NoSuchNoun
from commands.desk import Actor, AnotherKind, Ask, NoSuchRecord
from commands.notes import RemoveNote, ReviseNote, WriteNote
from domain.accounts import AccountOpened
from domain.contacts import ContactAdded
from domain.notes import (
    NoSuchNote,
    NoteExists,
    NoteIsRemoved,
    NoteRemoved,
    NoteRevised,
    NoteWritten,
)
from domain.opportunities import OpportunityOpened
from domain.orders import OrderPlaced
from domain.products import ProductAdded
from tests.given import STREAM, On, given, on

CONTACT, ACCOUNT, DEAL, PRODUCT, ORDER = (UUID(int=n) for n in range(7, 12))
PEOPLE = (
    on(CONTACT, ContactAdded(last_name="Lovelace")),
    on(ACCOUNT, AccountOpened(name="Engines Ltd")),
)
OPENED = on(
    DEAL,
    OpportunityOpened(
        name="Engine", pipeline=UUID(int=99), stage="new", account=ACCOUNT, contact=CONTACT
    ),
)
WRITTEN = NoteWritten(about=CONTACT, noun="contact", text="Likes tea", contact=CONTACT)


def _write(about: UUID = CONTACT, noun: str = "contact", text: str = "Likes tea") -> WriteNote:
    return WriteNote(note=STREAM, about=about, noun=noun, text=text)


def test_a_note_is_written_about_a_contact() -> None:
    given(*PEOPLE).when(_write()).then(WRITTEN).concerning(CONTACT)


def test_a_note_about_an_opportunity_concerns_its_customers() -> None:
    given(*PEOPLE, OPENED).when(_write(DEAL, "opportunity")).then(
        NoteWritten(
            about=DEAL, noun="opportunity", text="Likes tea", contact=CONTACT, account=ACCOUNT
        )
    ).concerning(CONTACT, ACCOUNT)


def test_a_note_about_something_that_concerns_nobody() -> None:
    product = on(PRODUCT, ProductAdded(code="T-1", name="Tea"))
    given(product).when(_write(PRODUCT, "product")).then(
        NoteWritten(about=PRODUCT, noun="product", text="Likes tea")
    )


def test_a_customer_who_has_no_record_is_passed_over() -> None:
    order = on(ORDER, OrderPlaced(currency="EUR", contact=CONTACT, lines=()))
    given(order).when(_write(ORDER, "order")).then(
        NoteWritten(about=ORDER, noun="order", text="Likes tea")
    )


def test_the_record_has_to_be_there() -> None:
    given().when(_write()).refused(NoSuchRecord, noun="contact")


def test_the_record_has_to_be_of_that_kind() -> None:
    given(*PEOPLE).when(_write(ACCOUNT, "contact")).refused(NoSuchRecord)


def test_the_kind_has_to_be_one() -> None:
    given(*PEOPLE).when(_write(CONTACT, "person")).refused(NoSuchNoun, noun="person")


def test_asking_for_another_kind_spoils_nothing_for_those_who_come_later() -> None:
    story = given(*PEOPLE)
    asks = [Ask(_write(ACCOUNT, noun), Actor("ada")) for noun in ("contact", "account")]
    wrong, right = story.bus.dispatch_all(asks)

    assert isinstance(wrong, NoSuchRecord)
    assert getattr(right, "events", None) == ("note.written",)


def test_writing_twice_is_writing_once() -> None:
    given(*PEOPLE, WRITTEN).when(_write()).then()


def test_another_note_is_not_written_over_it() -> None:
    given(*PEOPLE, WRITTEN).when(_write(text="Likes coffee")).refused(NoteExists)


def test_a_note_is_revised() -> None:
    given(WRITTEN).when(ReviseNote(note=STREAM, text="Likes coffee")).then(
        NoteRevised(text="Likes coffee")
    ).concerning(CONTACT)


def test_revising_to_what_it_says_is_nothing_to_do() -> None:
    given(WRITTEN).when(ReviseNote(note=STREAM, text="Likes tea")).then()
    given(WRITTEN, NoteRevised(text="B")).when(ReviseNote(note=STREAM, text="B")).then()


def test_a_note_is_removed_once() -> None:
    given(WRITTEN).when(RemoveNote(note=STREAM)).then(NoteRemoved())
    given(WRITTEN, NoteRemoved()).when(RemoveNote(note=STREAM)).then()


def test_a_removed_note_is_not_revised() -> None:
    given(WRITTEN, NoteRemoved()).when(ReviseNote(note=STREAM, text="B")).refused(NoteIsRemoved)


@pytest.mark.parametrize("ask", [ReviseNote(note=STREAM, text="B"), RemoveNote(note=STREAM)])
def test_a_note_that_is_not_there(ask: Any) -> None:
    given().when(ask).refused(NoSuchNote)


def test_a_note_is_not_written_into_another_record() -> None:
    another: On = on(STREAM, AccountOpened(name="Engines Ltd"))
    given(another, *PEOPLE).when(_write()).refused(AnotherKind)


def test_revising_an_old_version_conflicts() -> None:
    given(WRITTEN, NoteRevised(text="B")).when(
        ReviseNote(note=STREAM, text="C"), seen=1
    ).conflicts()

"""What is sealed opens where it was sealed, as it was sealed, with its key, and not otherwise."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.contacts import ContactAdded
from domain.kernel import CATALOGUE, new_id
from domain.notes import NoteWritten
from event_store.codec import UnreadableEvent, decode, encode, encode_apart
from event_store.keys import Key, new_secret
from event_store.sealing import Place, bare, key_of, seal, unseal
from tests.architecture.anything import made
from tests.golden.samples import every_sample, filled

PERSON = UUID(int=7)
KEY = Key.of(PERSON, 1, new_secret())
PLACE = Place("main", UUID(int=9), 3, "contact.added/1")
ANNA = ContactAdded(first_name="Anna", email="anna@example.com", lead_source="fair")
TELLING = [kind.cls for kind in CATALOGUE.values() if kind.personal_fields]


def sealed(fact: Any, place: Place = PLACE, key: Key = KEY) -> bytes:
    impersonal, personal = encode_apart(fact)
    assert personal is not None
    return seal(impersonal, personal, key, place)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_what_comes_out_is_what_went_in(data: st.DataObject) -> None:
    fact = data.draw(made(data.draw(st.sampled_from(TELLING))))
    impersonal, personal = encode_apart(fact)
    place = PLACE._replace(topic=fact.__event__.topic)
    if personal is None:
        assert decode(place.topic, impersonal) == fact
        return
    state = seal(impersonal, personal, KEY, place)

    assert decode(place.topic, unseal(state, KEY, place)) == fact
    assert key_of(state) == KEY.id


def test_nothing_personal_is_readable() -> None:
    state = sealed(ANNA)
    assert b"Anna" not in state
    assert b"first_name" not in state
    assert b'"lead_source":"fair"' in state


def test_the_same_words_never_look_the_same() -> None:
    assert sealed(ANNA) != sealed(ANNA)


@pytest.mark.parametrize("sample", [*every_sample()], ids=lambda sample: sample.topic)
def test_what_lies_in_clear_has_no_key(sample: Any) -> None:
    assert key_of(sample.state.encode()) is None


def _opens(state: bytes, key: Key, place: Place) -> bool:
    try:
        found = unseal(state, key, place)
    except UnreadableEvent:
        return False
    return decode(place.topic, found) == ANNA


def test_any_flipped_bit_is_found() -> None:
    state = sealed(ANNA)
    for bit in range(len(state) * 8):
        flipped = bytearray(state)
        flipped[bit // 8] ^= 1 << bit % 8
        if key_of(bytes(flipped)) == KEY.id:
            assert not _opens(bytes(flipped), KEY, PLACE), bit


@pytest.mark.parametrize(
    "elsewhere",
    [
        PLACE._replace(workspace="other"),
        PLACE._replace(stream=UUID(int=10)),
        PLACE._replace(version=4),
        PLACE._replace(topic="contact.added/2"),
        PLACE._replace(topic="contact.details_changed/1"),
    ],
    ids=["workspace", "stream", "version", "event version", "event"],
)
def test_it_cannot_be_moved(elsewhere: Place) -> None:
    with pytest.raises(UnreadableEvent):
        unseal(sealed(ANNA), KEY, elsewhere)


def test_it_cannot_be_put_beside_other_fields() -> None:
    mine = sealed(ANNA)
    other = sealed(ContactAdded(first_name="Berta", lead_source="phone"))
    mark = mine.index(b',"~"')
    moved = other[: other.index(b',"~"')] + mine[mark:]
    with pytest.raises(UnreadableEvent):
        unseal(moved, KEY, PLACE)


@pytest.mark.parametrize("key", [Key.of(PERSON, 1, new_secret()), Key.of(new_id(), 1, KEY.secret)])
def test_another_key_does_not_open_it(key: Key) -> None:
    state = sealed(ANNA)
    if key.secret == KEY.secret:
        state = state.replace(KEY.id.encode(), key.id.encode())
    with pytest.raises(UnreadableEvent):
        unseal(state, key, PLACE)


@pytest.mark.parametrize("cls", TELLING, ids=lambda cls: cls.__event__.name)
@pytest.mark.parametrize("why", ["erased", "unreadable"])
def test_without_its_key_the_rest_is_read(cls: Any, why: Any) -> None:
    fact = filled(cls)
    topic = fact.__event__.topic
    found = decode(topic, bare(sealed(fact), topic, why))

    for name in fact.__struct_fields__:
        if name in fact.__event__.personal_fields:
            assert getattr(found, name) in (None, f"[{why}]")
        else:
            assert getattr(found, name) == getattr(fact, name)


def test_a_text_that_has_to_be_there_says_why_it_is_not() -> None:
    note = NoteWritten(about=new_id(), noun="contact", text="Likes tea")
    topic = note.__event__.topic
    assert decode(topic, bare(sealed(note), topic, "erased")).text == "[erased]"  # type: ignore[attr-defined]


def test_what_was_stored_in_clear_is_still_read() -> None:
    topic, state = encode(ANNA)
    assert decode(topic, state) == ANNA

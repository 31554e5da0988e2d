"""The bytes of a leaf: all that is stored, in one way only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from domain.kernel import new_id
from event_store.ledger import COLUMNS
from event_store.postgres import PostgresEventStore
from event_store.seals.leaves import Leaf
from event_store.seals.reasons import MalformedLeaf
from event_store.store import Entry, Envelope
from tests.event_store.entries import opened

MOMENT = datetime(2024, 2, 29, 12, 30, 45, 678901, UTC)
HASH = bytes(range(32))

LEAF = Leaf(
    topic="opportunity.opened/1",
    state=b'{"name":"100 chairs"}',
    position=7,
    stream=UUID(int=1),
    version=3,
    recorded_at=MOMENT,
    occurred_at=MOMENT - timedelta(days=1),
    actor="member-1",
    command_id=UUID(int=2),
    correlation_id=UUID(int=3),
    on_behalf_of="member-2",
    reason="asked to – by phone ☎",
    source="form",
    causation_id=UUID(int=4),
    batch_id=UUID(int=5),
    subjects=(UUID(int=6), UUID(int=7)),
    workspace="acme",
    previous=HASH,
)
OTHER: dict[str, Any] = {
    "topic": "opportunity.opened/2",
    "state": b'{"name":"101 chairs"}',
    "position": 8,
    "stream": UUID(int=8),
    "version": 4,
    "recorded_at": MOMENT + timedelta(microseconds=1),
    "occurred_at": MOMENT,
    "actor": "member-11",
    "command_id": UUID(int=8),
    "correlation_id": UUID(int=8),
    "on_behalf_of": None,
    "reason": "",
    "source": "api",
    "causation_id": None,
    "batch_id": UUID(int=8),
    "subjects": (UUID(int=7), UUID(int=6)),
    "workspace": "acm",
    "previous": HASH[::-1],
}

# Few letters and few numbers, so that leaves come close to each other.
texts = st.text("ab\0é", max_size=3)
ids = st.integers(0, 2).map(lambda n: UUID(int=n))
moments = st.datetimes(timezones=st.just(UTC))
numbers = st.integers(0, 2) | st.integers(0, 2**64 - 1)
leaves = st.builds(
    Leaf,
    topic=texts,
    state=st.binary(max_size=3),
    position=numbers,
    stream=ids,
    version=numbers,
    recorded_at=moments,
    occurred_at=moments,
    actor=texts,
    command_id=ids,
    correlation_id=ids,
    on_behalf_of=st.none() | texts,
    reason=st.none() | texts,
    source=st.none() | texts,
    causation_id=st.none() | ids,
    batch_id=st.none() | ids,
    subjects=st.lists(ids, max_size=2).map(tuple),
    workspace=texts,
    previous=st.none() | st.sampled_from([HASH, HASH[::-1]]),
)
many = settings(max_examples=100, deadline=None)


@many
@given(leaves)
def test_a_leaf_is_read_as_it_was_written(leaf: Leaf) -> None:
    assert Leaf.decode(leaf.encode()) == leaf


@many
@given(leaves, leaves)
def test_two_leaves_never_have_the_same_bytes(one: Leaf, two: Leaf) -> None:
    assume(one != two)
    assert one.encode() != two.encode()


@many
@given(leaves, st.sampled_from(Leaf.__struct_fields__), st.data())
def test_two_leaves_that_differ_in_one_field_never_have_the_same_bytes(
    leaf: Leaf, name: str, data: st.DataObject
) -> None:
    other = msgspec.structs.replace(leaf, **{name: getattr(data.draw(leaves), name)})
    assert (other == leaf) == (other.encode() == leaf.encode())


@pytest.mark.parametrize("name", Leaf.__struct_fields__)
def test_every_field_is_in_the_bytes(name: str) -> None:
    changed = msgspec.structs.replace(LEAF, **{name: OTHER[name]})
    assert changed.encode() != LEAF.encode()
    assert Leaf.decode(changed.encode()) == changed


def test_nothing_told_is_not_the_same_as_an_empty_text() -> None:
    for name in ("on_behalf_of", "reason", "source"):
        none, empty = (msgspec.structs.replace(LEAF, **{name: value}) for value in (None, ""))
        assert none.encode() != empty.encode()


def test_what_moves_from_one_text_to_the_next_is_seen() -> None:
    one = msgspec.structs.replace(LEAF, reason="ab", source="c")
    two = msgspec.structs.replace(LEAF, reason="a", source="bc")
    assert one.encode() != two.encode()


def test_a_moment_is_the_same_in_every_zone() -> None:
    there = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert msgspec.structs.replace(LEAF, recorded_at=there).encode() == LEAF.encode()


def test_leaves_are_written_as_ever() -> None:
    leaf = msgspec.structs.replace(LEAF, on_behalf_of=None, reason="", batch_id=None)
    lengths = (4, 20, 21, 8, None, 0, 4, 16, None, 32, 32)
    assert leaf.encode() == b"".join(
        [
            b"rapport.event/1",
            *(n.to_bytes(8) for n in (7, 3, 1_709_209_845_678_901, 1_709_123_445_678_901)),
            *(n.to_bytes(16) for n in (1, 2, 3)),
            *(b"\xff\xff\xff\xff" if n is None else n.to_bytes(4) for n in lengths),
            b"acme" + b"opportunity.opened/1" + b'{"name":"100 chairs"}' + b"member-1",
            b"form" + UUID(int=4).bytes + UUID(int=6).bytes + UUID(int=7).bytes + HASH,
        ]
    )


def test_moments_before_1970_are_moments() -> None:
    leaf = msgspec.structs.replace(LEAF, occurred_at=datetime(1, 1, 1, tzinfo=UTC))
    assert Leaf.decode(leaf.encode()) == leaf


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("position", -1),
        ("version", 2**64),
        ("recorded_at", MOMENT.replace(tzinfo=None)),
        ("occurred_at", MOMENT.replace(tzinfo=None)),
        ("previous", HASH[1:]),
        ("previous", b""),
    ],
)
def test_what_does_not_fit_is_not_written(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"fit|zone|32 bytes"):
        msgspec.structs.replace(LEAF, **{name: value}).encode()


def test_altered_bytes_are_refused_or_another_leaf() -> None:
    data = LEAF.encode()
    for bit in range(len(data) * 8):
        tampered = bytearray(data)
        tampered[bit // 8] ^= 1 << bit % 8
        try:
            leaf = Leaf.decode(bytes(tampered))
        except MalformedLeaf:
            continue
        assert leaf != LEAF
        assert leaf.encode() == tampered


def test_cut_or_lengthened_bytes_are_refused() -> None:
    data = LEAF.encode()
    for wrong in (*(data[:end] for end in range(len(data))), data + b"\0", data + data):
        with pytest.raises(MalformedLeaf):
            Leaf.decode(wrong)


def test_every_column_of_the_log_is_sealed() -> None:
    renamed = {"notification_id": "position", "originator_id": "stream"}
    renamed["originator_version"] = "version"
    columns = tuple(renamed.get(name, name) for name in COLUMNS)
    assert Leaf.__struct_fields__ == (*columns, "workspace", "previous")


def test_a_stored_row_is_a_leaf(store: PostgresEventStore, database: str) -> None:
    stream, subject = new_id(), new_id()
    who = Envelope(
        actor="member-1",
        command_id=new_id(),
        correlation_id=new_id(),
        occurred_at=datetime(2019, 3, 31, 12, tzinfo=UTC),
        on_behalf_of="member-2",
        reason="asked to – by phone ☎",
        source="form",
        causation_id=new_id(),
        batch_id=new_id(),
    )
    store.append(Entry(who, (opened(stream, subject, new_id()),)))
    (told,) = store.read(stream)
    with psycopg.connect(database) as conn:
        columns = SQL(", ").join(map(Identifier, COLUMNS))
        (row,) = conn.execute(SQL("SELECT {} FROM log.events").format(columns)).fetchall()

    leaf = Leaf.of(row, "acme", HASH)
    assert Leaf.decode(leaf.encode()) == leaf
    assert (leaf.workspace, leaf.previous) == ("acme", HASH)
    for name in set(Leaf.__struct_fields__) & set(told.__struct_fields__):
        assert getattr(leaf, name) == getattr(told, name)

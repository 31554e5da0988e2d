"""Questions to views: typed rows, filters, pages without a gap, and no way to smuggle SQL in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace

from projections import questions
from projections.kit import VIEWS
from projections.opportunities import OpportunityRow
from projections.questions import BadQuestion, Prefix, ViewNotReady
from replay import registry, tables
from replay.shelves import TableShelf

START = datetime(2024, 1, 1, tzinfo=UTC)
IDS = [UUID(int=n) for n in range(1, 61)]
ADA, BOB = UUID(int=101), UUID(int=102)


def row(n: int, draw: random.Random) -> OpportunityRow:
    return OpportunityRow(
        id=IDS[n],
        version=n,
        name=draw.choice(["Acme", "acme", "100% sure", "100 sure", "a_b", "axb", "Ünique"]),
        pipeline=UUID(int=201),
        stage=draw.choice(["New", "Offer"]),
        status=draw.choice(["open", "won", "lost"]),
        account=None,
        contacts=tuple(draw.sample([ADA, BOB], draw.randint(0, 2))),
        owner=draw.choice([ADA, BOB, None]),
        product=None,
        lead=None,
        amount=draw.choice([None, Decimal("1.50"), Decimal(7), Decimal(-3)]),
        currency=None,
        expected_close=draw.choice([None, date(2024, 3, 1), date(2024, 3, 2)]),
        lead_source=None,
        lost_reason=None,
        external_id=None,
        opened_at=START,
        stage_since=START,
        closed_at=None,
        changed_at=START + timedelta(days=draw.randint(0, 5)),
    )


ROWS = [row(n, random.Random(n)) for n in range(len(IDS))]


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with rows of opportunities."""
    view = VIEWS["opportunities"]
    with tables.connect(database) as owner:
        registry.create(owner, [view], fresh=True)
        TableShelf(owner, view, "opportunities__1").fill(ROWS)
    with psycopg.connect(database) as conn:
        yield conn


def test_a_row_by_its_key(conn: psycopg.Connection[Any]) -> None:
    assert questions.get(conn, "opportunities", IDS[3]) == ROWS[3]
    assert questions.get(conn, "opportunities", UUID(int=999)) is None
    with pytest.raises(BadQuestion, match="the key of opportunities is id"):
        questions.get(conn, "opportunities", IDS[3], IDS[4])


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ({}, lambda _: True),
        ({"stage": "New"}, lambda it: it.stage == "New"),
        ({"stage": "New", "owner": ADA}, lambda it: (it.stage, it.owner) == ("New", ADA)),
        ({"owner": None}, lambda it: it.owner is None),
        ({"status": ["won", "lost"]}, lambda it: it.status != "open"),
        ({"status": frozenset()}, lambda _: False),
        ({"owner": (ADA, None)}, lambda it: it.owner in (ADA, None)),
        ({"id": IDS[:3]}, lambda it: it.id in IDS[:3]),
        ({"amount": Decimal("1.5")}, lambda it: it.amount == Decimal("1.5")),
        ({"expected_close": date(2024, 3, 1)}, lambda it: it.expected_close == date(2024, 3, 1)),
        ({"changed_at": START}, lambda it: it.changed_at == START),
        ({"contacts": BOB}, lambda it: BOB in it.contacts),
        ({"contacts": [ADA, BOB]}, lambda it: it.contacts != ()),
        ({"contacts": {BOB, UUID(int=999)}}, lambda it: BOB in it.contacts),
        ({"contacts": ()}, lambda _: False),
        ({"contacts": [ADA], "stage": "New"}, lambda it: ADA in it.contacts and it.stage == "New"),
        (
            [{"contacts": [ADA]}, {"owner": [BOB], "stage": "New"}],
            lambda it: ADA in it.contacts or (it.owner, it.stage) == (BOB, "New"),
        ),
        ([{"stage": "New"}, {}], lambda _: True),
        ([], lambda _: False),
        ({"name": Prefix("Ac")}, lambda it: it.name.startswith("Ac")),
        ({"name": Prefix("100%")}, lambda it: it.name.startswith("100%")),
        ({"name": Prefix("a_")}, lambda it: it.name.startswith("a_")),
        ({"name": Prefix("")}, lambda _: True),
        ({"name": "Ünique"}, lambda it: it.name == "Ünique"),
        ({"name": "'; DROP VIEW views.opportunities; --"}, lambda _: False),
    ],
)
def test_rows_are_chosen_by_their_fields(
    conn: psycopg.Connection[Any], where: questions.Wheres, holds: Any
) -> None:
    found = questions.select(conn, "opportunities", where, limit=100)
    assert found == [it for it in ROWS if holds(it)]
    assert questions.count(conn, "opportunities", where) == len(found)


ORDERS = [
    (None, ["id"], [False]),
    ("changed_at DESC, id", ["changed_at", "id"], [True, False]),
    ("stage, name desc", ["stage", "name", "id"], [False, True, False]),
    ("amount DESC", ["amount", "id"], [True, False]),
    ("amount, expected_close DESC", ["amount", "expected_close", "id"], [False, True, False]),
    ("owner, amount, id DESC", ["owner", "amount", "id"], [False, False, True]),
]


def sorted_by(fields: list[str], descends: list[bool]) -> list[OpportunityRow]:
    """As a question orders: rows without a value last, whichever way it goes."""
    rows = list(ROWS)
    for field, down in reversed(list(zip(fields, descends, strict=True))):
        there = [it for it in rows if getattr(it, field) is not None]
        there.sort(key=lambda it: getattr(it, field), reverse=down)
        rows = there + [it for it in rows if getattr(it, field) is None]
    return rows


@pytest.mark.parametrize(("order", "fields", "descends"), ORDERS)
@pytest.mark.parametrize("limit", [1, 7, 60])
def test_pages_show_every_row_once_and_in_order(
    conn: psycopg.Connection[Any],
    order: str | None,
    fields: list[str],
    descends: list[bool],
    limit: int,
) -> None:
    seen: list[OpportunityRow] = []
    after = None
    while page := questions.select(conn, "opportunities", {}, order, after, limit):
        assert len(page) <= limit
        seen += page
        after = [getattr(page[-1], field) for field in fields]
    assert seen == sorted_by(fields, descends)


def test_a_page_stays_within_what_was_asked_for(conn: psycopg.Connection[Any]) -> None:
    won = [it for it in ROWS if it.status == "won"]
    page = questions.select(
        conn, "opportunities", {"status": "won"}, "id DESC", after=[won[5].id], limit=3
    )
    assert page == [won[4], won[3], won[2]]


def test_rows_are_counted_up_to_a_ceiling(conn: psycopg.Connection[Any]) -> None:
    assert questions.count(conn, "opportunities") == len(ROWS)
    assert questions.count(conn, "opportunities", ceiling=10) == 10


@pytest.mark.parametrize(
    "asked",
    [
        {"where": {"nothing": 1}},
        {"where": {"stage\" = 'New' OR \"stage": 1}},
        {"order": "nothing"},
        {"order": "contacts"},
        {"order": "id; DROP TABLE views.registry"},
        {"order": "id ASC NULLS FIRST"},
        {"order": "(SELECT 1)"},
        {"order": "id,"},
        {"after": [1, 2]},
        {"limit": -1},
        {"limit": questions.LIMIT_MAX + 1},
        {"where": {"contacts": [ADA] * (questions.HELD_MAX + 1)}},
        {"where": [{"stage": "New"}, {"nothing": 1}]},
    ],
)
def test_what_cannot_be_asked_is_refused(
    conn: psycopg.Connection[Any], asked: dict[str, Any]
) -> None:
    with pytest.raises(BadQuestion):
        questions.select(conn, "opportunities", **asked)


def test_a_list_of_other_things_than_texts_is_not_asked_for_several(
    conn: psycopg.Connection[Any],
) -> None:
    with pytest.raises(BadQuestion, match="several values"):
        questions.select(conn, "orders", {"lines": ["pencil"]})


def test_what_a_list_holds_is_found_by_an_index(conn: psycopg.Connection[Any]) -> None:
    conn.execute("SET enable_seqscan = off")
    asked = (
        """SELECT id FROM views.opportunities WHERE account = ANY(%s::uuid[]) OR contacts ?| %s"""
    )
    plan = conn.execute(f"EXPLAIN {asked}".encode(), [[ADA, BOB], [str(ADA), str(BOB)]]).fetchall()
    told = "\n".join(line for (line,) in plan)
    assert "BitmapOr" in told
    assert "opportunities__1_contacts_idx" in told


def test_an_unknown_view_is_refused(conn: psycopg.Connection[Any]) -> None:
    for name in ("registry", "nothing", 'opportunities"'):
        with pytest.raises(BadQuestion, match="there is no view"):
            questions.select(conn, name)
        with pytest.raises(BadQuestion, match="there is no view"):
            questions.count(conn, name)


def test_how_far_views_are_folded(conn: psycopg.Connection[Any]) -> None:
    assert questions.position(conn, "opportunities") == 0
    with pytest.raises(ViewNotReady):
        questions.position(conn, "opportunities", "accounts")


def test_a_view_that_is_not_made_yet_is_said_to_be_so(
    conn: psycopg.Connection[Any], database: str
) -> None:
    with pytest.raises(ViewNotReady):
        questions.select(conn, "accounts")
    with tables.connect(database) as owner:
        owner.execute("DROP VIEW views.opportunities")
        owner.execute("CREATE VIEW views.opportunities AS SELECT id FROM views.opportunities__1")
    conn.rollback()
    with pytest.raises(ViewNotReady):
        questions.get(conn, "opportunities", IDS[0])


def test_what_was_read_can_be_put_back(conn: psycopg.Connection[Any], database: str) -> None:
    key = (IDS[0],)
    changed = replace(ROWS[0], name="Other", contacts=(BOB,), amount=Decimal("1E+3"))
    with tables.connect(database) as owner:
        TableShelf(owner, VIEWS["opportunities"], "opportunities__1").save({key: changed})
    assert questions.get(conn, "opportunities", IDS[0]) == changed

"""Rows come back from their tables as they were put there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel import Personal
from projections.kit import View
from replay import registry, shelves, tables
from replay.folding import Shelf
from replay.shelves import MemoryShelf, ShadowShelf, TableShelf
from tests.replay.board import Board, NameRow, Titles


class Part(msgspec.Struct, frozen=True):
    sku: str
    price: Decimal
    on: date | None = None


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    number: int
    text: Personal[str]
    flag: bool
    amount: Decimal
    day: date
    moment: datetime
    kind: Literal["a", "b"] | None
    parts: tuple[Part, ...]
    by_name: dict[str, Decimal]
    one: Part | None
    order: str | None
    """A word of SQL."""


class Measured(Everything, frozen=True, kw_only=True):
    ratio: float


class Kept(View[Everything]):
    name = "kept"
    version = 1
    row = Everything
    key = ("id", "number")
    reads = ()


class KeptMeasured(View[Measured]):
    """Rows with numbers that JSON has no word for."""

    name = "kept"
    version = 1
    row = Measured
    key = ("id", "number")
    reads = ()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
DECIMAL = st.decimals(-(10**14), 10**14, places=4) | st.decimals(-5, 5, places=2)
MOMENTS = (datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 -- the zone is drawn
DAY = st.dates(date(1, 1, 1), date(9999, 12, 31))
PART = st.builds(Part, TEXT, DECIMAL, st.none() | DAY)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "id": st.uuids(),
    "number": st.integers(-(2**63), 2**63 - 1),
    "text": TEXT,
    "flag": st.booleans(),
    "amount": DECIMAL,
    "day": DAY,
    "moment": st.datetimes(MOMENTS[0], MOMENTS[1], timezones=st.just(UTC)),
    "kind": st.sampled_from([None, "a", "b"]),
    "parts": st.lists(PART, max_size=3).map(tuple),
    "by_name": st.dictionaries(TEXT, DECIMAL, max_size=3),
    "one": st.none() | PART,
    "order": st.none() | TEXT,
}


@pytest.mark.parametrize("as_json_max", [0, 500])
@pytest.mark.parametrize("view", [Kept(), KeptMeasured()], ids=["exact", "measured"])
@given(data=st.data())
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_kind_of_value_comes_back_equal(
    database: str, view: View[Any], as_json_max: int, data: st.DataObject
) -> None:
    fields = FIELDS | ({"ratio": st.floats(allow_nan=False)} if "ratio" in dir(view.row) else {})
    rows: list[Any] = data.draw(st.lists(st.builds(view.row, **fields), max_size=6))
    changes = {(row.id, row.number): row for row in rows}
    with (
        pytest.MonkeyPatch.context() as patch,
        tables.connect(database) as conn,
        conn.transaction(force_rollback=True),
    ):
        patch.setattr(shelves, "ROWS_AS_JSON_MAX", as_json_max)
        tables.create(conn, view, "kept__1")
        tables.add_key(conn, view, "kept__1")
        shelf = TableShelf(conn, view, "kept__1")
        shelf.save(dict.fromkeys(changes))
        shelf.save(changes)
        shelf.save(changes)
        back = shelf.load(changes.keys())
    assert back == changes
    assert [str(row.amount) for row in back.values()] == [
        str(changes[key].amount) for key in back
    ], "money keeps its cents"


@pytest.fixture
def shelf(database: str) -> Iterator[TableShelf]:
    with tables.connect(database) as conn:
        tables.create(conn, Titles(), "titles__1")
        tables.add_key(conn, Titles(), "titles__1")
        yield TableShelf(conn, Titles(), "titles__1")


IDS = [UUID(int=n) for n in range(1, 9)]


def _shelf(conn: tables.Connection, place: str) -> Shelf:
    if place == "memory":
        return MemoryShelf()
    if place == "table":
        tables.create(conn, Titles(), "titles__1")
        tables.add_key(conn, Titles(), "titles__1")
        return TableShelf(conn, Titles(), "titles__1")
    return ShadowShelf(conn, Titles(), "titles__1", rows_max=2 if "tight" in place else 100)


@pytest.mark.parametrize("place", ["memory", "table", "shadow", "tight shadow"])
def test_rows_are_put_replaced_and_taken_away(database: str, place: str) -> None:
    with tables.connect(database) as conn, conn.transaction():
        shelf = _shelf(conn, place)
        rows = {(i,): NameRow(i, f"n{i.int}") for i in IDS}
        shelf.save(rows)
        shelf.save({(IDS[0],): None, (IDS[1],): NameRow(IDS[1], "other"), (UUID(int=99),): None})
        shelf.save({(IDS[2],): None})
        shelf.save({(IDS[2],): NameRow(IDS[2], "back")})
        expected = rows | {
            (IDS[1],): NameRow(IDS[1], "other"),
            (IDS[2],): NameRow(IDS[2], "back"),
        }
        del expected[IDS[0],]
        assert shelf.load(rows.keys()) == expected
        if isinstance(shelf, ShadowShelf):
            shelf.finish()
            assert shelf.load(rows.keys()) == expected
            shelf.save({(IDS[0],): NameRow(IDS[0], "late")})
            assert TableShelf(conn, Titles(), "titles__1").load([(IDS[0],)])


def test_a_text_that_postgresql_cannot_hold_is_told_as_such(shelf: TableShelf) -> None:
    key = (IDS[0],)
    shelf.save({key: NameRow(IDS[0], "a\0b")})
    assert shelf.load([key])[key].name == "a\ufffdb"


def test_nothing_is_asked_for_no_keys(shelf: TableShelf) -> None:
    assert shelf.load([]) == {}
    shelf.save({})


@pytest.mark.parametrize("name", ["Board", "a__b", "a-b", "a" * 41, "", 'x"; DROP TABLE y'])
def test_a_view_needs_a_name_that_is_fit_for_sql(name: str) -> None:
    misnamed = type("Misnamed", (Titles,), {"name": name})()
    with pytest.raises(ValueError, match="cannot be named"):
        tables.table_name(misnamed, 1)


def test_a_table_has_the_columns_keys_and_indexes_of_its_view(database: str) -> None:
    with tables.connect(database) as conn:
        registry.create(conn, [Board()], fresh=True)
        columns = conn.execute(
            "SELECT column_name, udt_name, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'views' AND table_name = 'board' ORDER BY ordinal_position"
        ).fetchall()
        indexes = conn.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'views' AND tablename = 'board__1'"
        ).fetchall()
    assert [(name, kind) for name, kind, _ in columns] == [
        ("stage", "text"),
        ("opportunities", "int8"),
        ("arrivals", "jsonb"),
        ("since", "timestamptz"),
        ("share", "float8"),
        ("worth", "numeric"),
        ("tags", "jsonb"),
    ]
    told = " ".join(definition for (definition,) in indexes)
    assert "UNIQUE INDEX" in told
    assert "(opportunities DESC)" in told
    assert "USING gin (arrivals)" in told


def test_a_copy_of_rows_that_do_not_fit_is_refused_whole(shelf: TableShelf) -> None:
    twice = [NameRow(IDS[0], "a"), NameRow(IDS[0], "b")]
    with pytest.raises(psycopg.errors.UniqueViolation):
        shelf.fill(twice)
    assert shelf.load([(IDS[0],)]) == {}

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from event_store.archive import Archive
from projections.analytics.analyst import QUERY_ROWS_MAX, Analyst, Limits
from projections.analytics.definitions import NoSuchMetric
from projections.analytics.errors import BadQuery, QueryTooLarge, QueryTooLong
from tests.projections.logbook import Logbook, cut


def test_a_query_is_answered_with_types_and_the_position(logbook: Logbook) -> None:
    ada = logbook.contact("ada", at="2024-01-01")
    logbook.order("1", ada, "2024-01-02 10:30", "12.50")
    found = logbook.analyst.query(
        "SELECT customer, placed_at, gross, [placed_at] AS l, {'a': placed_at} AS s FROM orders"
    )
    when = datetime(2024, 1, 2, 10, 30, tzinfo=UTC)
    assert found.rows == [(ada, when, Decimal("12.5"), [when], {"a": when})]
    assert [c.type for c in found.columns[:3]] == [
        "UUID",
        "TIMESTAMP WITH TIME ZONE",
        "DECIMAL(18,4)",
    ]
    assert (found.position, found.truncated) == (2, False)
    assert found.names == ("customer", "placed_at", "gross", "l", "s")


def test_a_query_is_as_of_its_cut(logbook: Logbook) -> None:
    ada = logbook.contact("ada", at="2024-01-01")
    logbook.order("1", ada, "2024-01-02")
    count = "SELECT count(*) FROM orders"
    assert logbook.analyst.query(count, cut("2024-01-01")).rows == [(0,)]
    assert logbook.analyst.query(count, cut("2024-01-02")).rows == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; -- one",
        "SELECT 'it''s; -- no comment' AS \"a b\"",
        "SELECT 1 -- the end",
        "FROM events",
        "WITH a AS (SELECT 1 AS x) SELECT x, x FROM a",
        "VALUES (1), (2)",
        "DESCRIBE orders",
        "SELECT * FROM order_placed, order_facts",
        "/* first */ SELECT 1",
    ],
)
def test_what_one_select_can_look_like(one_contact: Analyst, sql: str) -> None:
    one_contact.query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- nothing",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW events",
        "PRAGMA version",
        "SET threads = 1",
        "SET VARIABLE log_position = 99",
        "COPY (SELECT 1) TO 'out.csv'",
        "COPY events FROM 'in.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "EXPORT DATABASE 'out'",
        "CALL pragma_version()",
        "CREATE TABLE mine AS SELECT 1",
        "CREATE OR REPLACE VIEW events AS SELECT 1",
        "INSERT INTO log.tail (position) VALUES (9)",
        "DELETE FROM log.tail",
        "WITH x AS (INSERT INTO log.tail (position) VALUES (9) RETURNING position) FROM x",
        "WITH x AS (DELETE FROM log.tail RETURNING position) SELECT * FROM x",
        "SELECT * FROM query('DELETE FROM log.tail')",
        "EXPLAIN ANALYZE SELECT 1",
        "PREPARE p AS SELECT 1",
        "BEGIN",
        "SELECT $1",
        "SELECT ?",
        "SELECT $name",
        "\0",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_json_auto('/etc/passwd')",
        "SELECT * FROM read_parquet('../secret.parquet')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'https://example.com/x.csv'",
        "SELECT getenv('HOME')",
        "SELECT * FROM sql",
    ],
)
def test_a_query_reads_the_log_and_does_nothing_else(one_contact: Analyst, sql: str) -> None:
    with pytest.raises(BadQuery):
        one_contact.query(sql)
    assert one_contact.query("SELECT count(*) FROM events").rows == [(1,)]


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("SELEC 1", 1, 1),
        ("SELECT 1\nFROM nowhere", 2, 6),
        ("SELECT 'ü',\n nope(1)", 2, 2),
        ("SELECT id,\n  nothing\nFROM orders", 2, 3),
        ("SELECT 1,\n CAST('x' AS INTEGER)", 2, 2),
    ],
)
def test_a_mistake_has_its_place(one_contact: Analyst, sql: str, line: int, column: int) -> None:
    with pytest.raises(BadQuery) as wrong:
        one_contact.query(sql)
    assert (wrong.value.line, wrong.value.column) == (line, column)
    assert str(wrong.value).startswith(f"line {line}, column {column}: ")


def test_rows_are_limited_and_it_is_said(one_contact: Analyst) -> None:
    found = one_contact.query("FROM range(10)", limits=Limits(rows=10))
    assert (len(found.rows), found.truncated) == (10, False)
    found = one_contact.query("FROM range(11)", limits=Limits(rows=10))
    assert (found.rows[-1], len(found.rows), found.truncated) == ((9,), 10, True)
    assert QUERY_ROWS_MAX == 50_000


def test_time_is_limited(one_contact: Analyst) -> None:
    endless = "SELECT sum(a.range * b.range) FROM range(10000000) AS a, range(10000000) AS b"
    with pytest.raises(QueryTooLong, match=r"0\.2 seconds"):
        one_contact.query(endless, limits=Limits(seconds=0.2))


def test_memory_is_limited(database: str, tmp_path: Path) -> None:
    archive = Archive(database, tmp_path / "archive", memory_max="64MB")
    greedy = "SELECT range, repeat('x', 1000) AS x FROM range(1000000) ORDER BY x, range"
    with pytest.raises(QueryTooLarge):
        Analyst(archive.connect).query(greedy)
    archive.close()


def test_an_order_is_kept_through_the_limit(one_contact: Analyst) -> None:
    found = one_contact.query(
        "SELECT range AS n FROM range(5000) ORDER BY n DESC", limits=Limits(rows=3)
    )
    assert found.rows == [(4999,), (4998,), (4997,)]


def test_many_may_ask_at_once(logbook: Logbook) -> None:
    logbook.contact("ada")
    said: list[int] = []

    def ask() -> None:
        said.append(logbook.analyst.query("SELECT count(*) FROM contacts").rows[0][0])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [1] * 8


def test_an_unlocked_connection_is_refused() -> None:
    unlocked = Analyst(lambda _: duckdb.connect())
    with pytest.raises(ValueError, match="enable_external_access"):
        unlocked.query("SELECT 1")


def test_the_schema_says_what_there_is(one_contact: Analyst) -> None:
    relations = {relation.name: relation for relation in one_contact.schema()}
    assert {"events", "orders", "order_placed", "order_facts", "stage_spans"} <= relations.keys()
    assert all(relation.doc for relation in relations.values())
    amount = next(c for c in relations["opportunity_opened"].columns if c.name == "amount")
    assert amount.type == "DECIMAL(18,4)"
    names = {c.name for c in relations["contact_added"].columns}
    assert "external_id" in names
    assert "email" not in names


def test_a_metric_that_is_not_there(one_contact: Analyst) -> None:
    with pytest.raises(NoSuchMetric, match="there are: case_statuses"):
        one_contact.metric("nothing")

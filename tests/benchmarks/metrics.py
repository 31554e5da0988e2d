"""How fast metrics are, beside the same counts by plain DuckDB from a flat file of typed columns.

The flat file is the physical limit: it holds the columns that the question needs and no others.
"""

# ruff: noqa: S608 - the SQL is made of our own names

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median as middle
from time import perf_counter

import duckdb
import psycopg

import projections  # noqa: F401  # fills the register of views
from event_store.archive import Archive
from projections.analytics.analyst import Analyst
from tests.benchmarks.measure import RUNS, Measure, fresh_database

CONTACTS, ORDERS, OPPORTUNITIES = 20_000, 130_000, 12_500
FACTS_EACH = 4
"""Of an opportunity: opened, two stages on, won."""
EVENTS = CONTACTS + ORDERS + OPPORTUNITIES * FACTS_EACH

FILL = """
    INSERT INTO log.events (
        notification_id, originator_id, originator_version, topic, state, recorded_at,
        occurred_at, actor, command_id, correlation_id, subjects
    )
    SELECT
        {first} + row_number() OVER (ORDER BY n), id, version, topic,
        convert_to(state::text, 'UTF8'), now(), at, 'bench', id, id, subjects
    FROM ({facts}) AS facts
"""
CONTACTS_SQL = f"""
    SELECT
        n, md5('contact' || n)::uuid AS id, 1 AS version, 'contact.added/1' AS topic,
        json_build_object('external_id', n::text) AS state,
        timestamptz '2023-01-01Z' + n % 300 * interval '1 day' AS at,
        ARRAY[md5('contact' || n)::uuid] AS subjects
    FROM generate_series(1, {CONTACTS}) AS n
"""
ORDERS_SQL = f"""
    SELECT
        n, md5('order' || n)::uuid AS id, 1 AS version, 'order.placed/1' AS topic,
        json_build_object(
            'currency', 'EUR', 'contact', md5('contact' || (n * 7919 % {CONTACTS} + 1)),
            'lines', json_build_array(
                json_build_object('quantity', '1', 'amount', (n % 90 + 10)::text)
            )
        ) AS state,
        timestamptz '2023-01-01Z' + n * 977 % 730 * interval '1 day' AS at,
        ARRAY[md5('contact' || (n * 7919 % {CONTACTS} + 1))::uuid] AS subjects
    FROM generate_series(1, {ORDERS}) AS n
"""
OPPORTUNITIES_SQL = f"""
    SELECT
        n, md5('opportunity' || (n / {FACTS_EACH}))::uuid AS id,
        n % {FACTS_EACH} + 1 AS version,
        (ARRAY['opportunity.opened/1', 'opportunity.stage_changed/1',
            'opportunity.stage_changed/1', 'opportunity.won/1'])[n % {FACTS_EACH} + 1] AS topic,
        CASE n % {FACTS_EACH}
            WHEN 0 THEN json_build_object('name', 'Deal', 'pipeline', md5('p'), 'stage', 'New',
                'amount', (n % 900)::text, 'currency', 'EUR')
            WHEN 3 THEN json_build_object()
            ELSE json_build_object('from_stage', 'New', 'to_stage', 'Step ' || n % {FACTS_EACH})
        END AS state,
        timestamptz '2023-01-01Z' + (n * 31 / {FACTS_EACH} % 600 + n % {FACTS_EACH} * 20)
            * interval '1 day' AS at,
        ARRAY[]::uuid[] AS subjects
    FROM generate_series(0, {OPPORTUNITIES * FACTS_EACH - 1}) AS n
"""
FLAT = {
    "orders": "SELECT customer, placed_at AT TIME ZONE 'UTC' AS placed_at FROM orders",
    "facts": """
        SELECT stream, position, what, coalesce(stage, to_stage) AS stage, amount, currency
        FROM opportunity_facts
    """,
}
PLAIN_RETENTION = """
    WITH births AS (
        SELECT customer, date_trunc('month', min(placed_at)) AS cohort
        FROM read_parquet($file)
        GROUP BY customer
    )
    SELECT cohort, date_diff('month', cohort, placed_at) AS period, count(DISTINCT customer)
    FROM read_parquet($file) JOIN births USING (customer)
    GROUP BY ALL
"""
PLAIN_SNAPSHOT = """
    WITH opportunities AS (
        SELECT
            arg_max(stage, position) AS stage, arg_max(amount, position) AS amount,
            arg_max(currency, position) AS currency, bool_or(what = 'won') AS won
        FROM read_parquet($file)
        GROUP BY stream
    )
    SELECT stage, currency, count(*), sum(amount) FROM opportunities WHERE NOT won GROUP BY ALL
"""


def run() -> list[Measure]:
    with fresh_database() as dsn, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fill(dsn)
        with closing(Archive(dsn, folder)) as archive:
            since = perf_counter()
            archive.connect().close()
            built = EVENTS / (perf_counter() - since)
            return [
                Measure("metrics.archive_build", built, "events/s"),
                Measure("metrics.connect", _milliseconds(lambda: archive.connect().close()), "ms"),
                *_beside_plain(archive, folder),
            ]


def _fill(dsn: str) -> None:
    """Puts the facts into the log by SQL: how fast they are appended is another figure."""
    first = 0
    with psycopg.connect(dsn) as log:
        for facts in (CONTACTS_SQL, ORDERS_SQL, OPPORTUNITIES_SQL):
            first += log.execute(FILL.format(first=first, facts=facts).encode()).rowcount


def _beside_plain(archive: Archive, folder: Path) -> list[Measure]:
    analyst = Analyst(archive.connect)
    analyst.query("SELECT 1")  # so that the relations are there
    files = {name: str(folder / f"flat-{name}.parquet") for name in FLAT}
    with archive.connect() as log:
        for name, query in FLAT.items():
            log.execute(f"COPY ({query}) TO '{files[name]}'")
    plain = duckdb.connect()
    measures = []
    for metric, sql, file in (
        ("retention", PLAIN_RETENTION, files["orders"]),
        ("pipeline_snapshot", PLAIN_SNAPSHOT, files["facts"]),
    ):
        theirs = _milliseconds(partial(_answer, plain, sql, file))
        ours = _milliseconds(partial(analyst.metric, metric))
        measures.append(Measure(f"metrics.{metric}_plain", theirs, "ms"))
        measures.append(Measure(f"metrics.{metric}", ours, "ms", theirs / ours))
    plain.close()
    return measures


def _answer(plain: duckdb.DuckDBPyConnection, sql: str, file: str) -> object:
    return plain.execute(sql, {"file": file}).fetchall()


def _milliseconds(ask: Callable[[], object]) -> float:
    """The middle of several runs, after one that is not counted."""
    ask()
    taken = []
    for _ in range(RUNS):
        since = perf_counter()
        ask()
        taken.append((perf_counter() - since) * 1000)
    return middle(taken)

"""Questions to the log: named metrics and SQL, read-only and bounded."""

# ruff: noqa: S608 - what is put into SQL here are our own names and an escaped literal

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from domain.kernel import NOW, Cut
from projections.analytics.definitions import BadSetting, Metric, metric, metrics
from projections.analytics.errors import BadQuery, as_told
from projections.analytics.results import Column, Excluded, Relation, Result

QUERY_SECONDS_MAX = 10.0
QUERY_ROWS_MAX = 50_000
FOLDER = Path(__file__).with_name("relations")
RELATIONS = (
    "macros",
    "accounts",
    "contacts",
    "leads",
    "members",
    "products",
    "pipelines",
    "opportunities",
    "stages",
    "orders",
    "cases",
    "interactions",
    "tasks",
)
"""The files that make the relations, in an order in which each finds what it builds on."""

Connect = Callable[[Cut], DuckDBPyConnection]
"""Gives a connection with the relation ``events`` as of a cut, the variable ``log_position``, and
no way out: no files but the log's own, no network, no settings to change."""

_NONE: Mapping[str, Any] = {}
_MOMENT = "TIMESTAMP WITH TIME ZONE"
_NEEDED = {"enable_external_access": False, "lock_configuration": True}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a question may cost. What it may keep in memory is the connection's to limit."""

    seconds: float = QUERY_SECONDS_MAX
    rows: int = QUERY_ROWS_MAX


LIMITS = Limits()


class Analyst:
    """Answers questions. Safe to share between threads.

    Raises, on first use:
        ValueError: the connections are not locked.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._lock = threading.Lock()

    def metrics(self) -> list[Metric]:
        """The named metrics there are."""
        return list(metrics().values())

    def metric(
        self,
        name: str,
        cut: Cut = NOW,
        settings: Mapping[str, Any] | None = None,
        limits: Limits = LIMITS,
    ) -> Result:
        """A metric's answer, as of a cut.

        Raises:
            NoSuchMetric: there is none of that name.
            BadSetting: a setting is unknown, or its value does not fit.
            QueryTooLong, QueryTooLarge: it costs more than it may.
        """
        asked = metric(name)
        chosen = asked.read(settings or {})
        with self._session(cut, limits) as session:
            session.check_zone(chosen)
            bound = {**chosen, "as_of": cut.at or datetime.now(UTC)}
            answer = session.answer(asked.sql, bound)
            excluded = session.answer(asked.excluded, bound).rows if asked.excluded else []
        return Result(
            columns=tuple(_explained(column, asked) for column in answer.columns),
            rows=answer.rows,
            position=session.position,
            cut=cut,
            sql=asked.sql,
            seconds=session.seconds,
            truncated=answer.truncated,
            name=asked.name,
            title=asked.title,
            definition=asked.definition,
            source=asked.source,
            settings=chosen,
            excluded=tuple(Excluded(*row) for row in excluded if row[1]),
        )

    def query(self, sql: str, cut: Cut = NOW, limits: Limits = LIMITS) -> Result:
        """What one SELECT finds, as of a cut.

        Raises:
            BadQuery: it is not one SELECT, or it is wrong; with line and column where known.
            QueryTooLong, QueryTooLarge: it costs more than it may.
        """
        with self._session(cut, limits) as session:
            session.check_select(sql)
            answer = session.ask(f"query('{sql.replace(chr(39), chr(39) * 2)}')")
        return Result(
            columns=answer.columns,
            rows=answer.rows,
            position=session.position,
            cut=cut,
            sql=sql,
            seconds=session.seconds,
            truncated=answer.truncated,
        )

    def schema(self) -> list[Relation]:
        """What can be queried: relations with their columns."""
        with self._session(NOW, LIMITS) as session:
            rows = session.answer(_SCHEMA).rows
        found: dict[str, tuple[str | None, list[Column]]] = {}
        for relation, doc, name, kind, column_doc in rows:
            found.setdefault(relation, (doc, []))[1].append(Column(name, kind, doc=column_doc))
        return [Relation(name, doc, tuple(columns)) for name, (doc, columns) in found.items()]

    @contextmanager
    def _session(self, cut: Cut, limits: Limits) -> Iterator[_Session]:
        connection = self._connect(cut)
        try:
            self._prepare(connection)
            with _bounded(connection, limits.seconds):
                # SQL of others may hold changes in places where they do not meet the eye.
                connection.execute("BEGIN TRANSACTION READ ONLY")
                yield _Session(connection, limits)
        finally:
            connection.close()

    def _prepare(self, connection: DuckDBPyConnection) -> None:
        """Makes sure that the connection is locked and has the relations."""
        with self._lock:
            for setting, value in _NEEDED.items():
                found = connection.execute("SELECT current_setting(?)", [setting]).fetchone()
                if found != (value,):
                    raise ValueError(f"a connection for analysts needs {setting} = {value}")
            there = connection.execute(
                "SELECT count(*) FROM duckdb_views() WHERE view_name = 'tasks'"
            ).fetchone()
            if there == (0,):
                for name in RELATIONS:
                    connection.execute((FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


_SCHEMA = """
    SELECT v.view_name, v.comment, c.column_name, c.data_type, c.comment
    FROM duckdb_views() AS v JOIN duckdb_columns() AS c
        ON c.schema_name = v.schema_name AND c.table_name = v.view_name
    WHERE v.schema_name = 'main' AND NOT v.internal
    ORDER BY v.view_name, c.column_index
"""


@dataclass(frozen=True, slots=True)
class Answer:
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool = False


class _Session:
    """One bounded, read-only transaction."""

    def __init__(self, connection: DuckDBPyConnection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._began = time.perf_counter()
        self.seconds = 0.0
        self._sql = ""
        found = self._run("SELECT coalesce(getvariable('log_position'), 0)")
        self.position = int(found.rows[0][0])

    def check_select(self, sql: str) -> None:
        """Raises:
        BadQuery: it does not parse, or is anything but one SELECT.
        """
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as bad:
            raise as_told(bad, sql, self._limits.seconds) from bad
        if len(statements) != 1:
            raise BadQuery(f"one statement is needed, not {len(statements)}")
        if statements[0].type != duckdb.StatementType.SELECT:
            raise BadQuery("only SELECT is allowed: the log is for reading")
        if statements[0].named_parameters:
            raise BadQuery("parameters ($name or ?) cannot be given here")
        self._sql = sql

    def check_zone(self, settings: Mapping[str, Any]) -> None:
        """Raises:
        BadSetting: the time zone is unknown.
        """
        zone = settings.get("zone", "UTC")
        known = "FROM pg_timezone_names() WHERE name = $zone"
        if zone != "UTC" and not self._run(known, {"zone": zone}).rows:
            raise BadSetting("zone", f"{zone!r} is no time zone; one is Europe/Berlin")

    def ask(self, relation: str) -> Answer:
        """All rows of a relation, up to the limit; moments become aware ones."""
        described = self._run(f"DESCRIBE SELECT * FROM {relation}").rows
        columns = tuple(Column(str(row[0]), str(row[1])) for row in described)
        # The driver needs a further package to read aware moments; so they are cast.
        names = [f"c{i}" for i in range(len(columns))]
        values = [
            f"CAST({name} AS {column.type.replace(_MOMENT, 'TIMESTAMP')})"
            if _MOMENT in column.type
            else name
            for name, column in zip(names, columns, strict=True)
        ]
        found = self.answer(
            f"SELECT {', '.join(values)} FROM {relation} AS answer({', '.join(names)})"
        )
        moments = [i for i, column in enumerate(columns) if _MOMENT in column.type]
        return Answer(columns, [_aware(row, moments) for row in found.rows], found.truncated)

    def answer(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> Answer:
        """All rows of a query, up to the limit."""
        found = self._run(f"FROM ({sql}\n) LIMIT {self._limits.rows + 1}", parameters)
        self.seconds = time.perf_counter() - self._began
        kept = found.rows[: self._limits.rows]
        return Answer(found.columns, kept, len(found.rows) > self._limits.rows)

    def _run(self, sql: str, parameters: Mapping[str, Any] = _NONE) -> Answer:
        try:
            (statement,) = self._connection.extract_statements(sql)
            bound = {name: parameters[name] for name in statement.named_parameters}
            self._connection.execute(statement, bound)
            columns = tuple(Column(c[0], str(c[1])) for c in self._connection.description or ())
            return Answer(columns, self._connection.fetchall())
        except duckdb.Error as bad:
            raise as_told(bad, self._sql or sql, self._limits.seconds) from bad


def _explained(column: Column, asked: Metric) -> Column:
    said = asked.columns.get(column.name)
    return Column(column.name, column.type, said.unit, said.doc) if said else column


def _aware(row: tuple[Any, ...], moments: list[int]) -> tuple[Any, ...]:
    if not moments:
        return row
    return tuple(_in_utc(value) if i in moments else value for i, value in enumerate(row))


def _in_utc(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, list):
        return [_in_utc(item) for item in value]
    if isinstance(value, dict):
        return {name: _in_utc(item) for name, item in value.items()}
    return value


@contextmanager
def _bounded(connection: DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupts what still runs after some seconds."""

    def stop() -> None:
        with suppress(duckdb.Error):
            connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()

"""The tables of views: made from their row types, one for each generation."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import psycopg
from psycopg import sql

from event_store.schema import app_dsn
from event_store.store import Unavailable
from projections.columns import SCHEMA, Column, columns_of
from projections.kit import Key, View

VIEW_NAME_MAX = 40
"""Characters: PostgreSQL cuts identifiers at 63, and a generation's number has to fit."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

Connection = psycopg.Connection[Any]
TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, Unavailable)
"""Errors of the server or the line to it: no view is to blame, and trying again may help."""


def connect(dsn: str) -> Connection:
    """A connection for rows of views.

    Commits do not wait for the disk: rows and checkpoint are lost together, or not at all, and
    what is lost is folded again.
    """
    conn = psycopg.connect(app_dsn(dsn), autocommit=True, application_name="rapport views")
    conn.execute("SET synchronous_commit = off")
    return conn


def table_name(view: View[Any], generation: int) -> str:
    """The table of a generation. Two underscores keep it apart from the names of views.

    Raises:
        ValueError: the view's name is unfit for SQL.
    """
    if not _NAME.fullmatch(view.name) or len(view.name) > VIEW_NAME_MAX:
        raise ValueError(f"a view cannot be named {view.name!r}")
    return f"{view.name}__{generation}"


def create(conn: Connection, view: View[Any], table: str) -> None:
    """An empty table for rows of the view, without keys and indexes.

    It is left out of PostgreSQL's own log, which nobody can erase from; a crash of the server
    empties it, and then it is made anew. For the same reason there are no statistics of personal
    columns: they are samples of what people are called.
    """
    columns = sql.SQL(", ").join(_defined(column) for column in columns_of(view.row).all)
    conn.execute(sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(qualified(table), columns))
    unsampled = [
        sql.SQL("ALTER {} SET STATISTICS 0").format(sql.Identifier(name))
        for name in sorted(view.personal_columns)
    ]
    if unsampled:
        alter = sql.SQL("ALTER TABLE {} {}")
        conn.execute(alter.format(qualified(table), sql.SQL(", ").join(unsampled)))


def add_key(conn: Connection, view: View[Any], table: str) -> None:
    """The primary key, by which rows are put in place."""
    conn.execute(
        sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(qualified(table), listed(view.key))
    )


def add_indexes(conn: Connection, view: View[Any], table: str) -> None:
    """The indexes that the view asks for, and the planner's statistics."""
    for index in view.indexes:
        how = index if index.casefold().startswith("using ") else f"({index})"
        conn.execute(sql.SQL("CREATE INDEX ON {} {}").format(qualified(table), sql.SQL(how)))
    conn.execute(sql.SQL("ANALYZE {}").format(qualified(table)))


def serve(conn: Connection, view: View[Any], table: str) -> None:
    """Points the name that readers use at a table."""
    point = sql.SQL("VIEW {} AS SELECT * FROM {}").format(qualified(view.name), qualified(table))
    try:
        with conn.transaction():
            conn.execute(sql.SQL("CREATE OR REPLACE {}").format(point))
    except psycopg.errors.InvalidTableDefinition:
        # Columns have changed in a way that an existing view cannot follow.
        conn.execute(sql.SQL("DROP VIEW {}").format(qualified(view.name)))
        conn.execute(sql.SQL("CREATE {}").format(point))


def copy(conn: Connection, view: View[Any], old: str, new: str) -> None:
    """A table with the rows of another one, and nothing of those that were there before."""
    create(conn, view, new)
    conn.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(qualified(new), qualified(old)))
    add_key(conn, view, new)
    add_indexes(conn, view, new)


def drop(conn: Connection, table: str) -> None:
    conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(qualified(table)))


def qualified(name: str) -> sql.Identifier:
    """A table or view in the schema of views."""
    return sql.Identifier(SCHEMA, name)


def listed(names: Iterable[str], alias: str | None = None) -> sql.Composed:
    """Columns, as a list in SQL."""
    prefix = () if alias is None else (alias,)
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in names)


def unnested(view: View[Any], keys: Collection[Key], alias: str) -> tuple[sql.Composed, list[Any]]:
    """Keys as a table of that name in a FROM clause, and the parameters that go with it."""
    by_name = columns_of(view.row).by_name
    arrays = sql.SQL(", ").join(
        sql.SQL("%s::{}[]").format(sql.SQL(by_name[name].type)) for name in view.key
    )
    wanted = sql.SQL("unnest({}) AS {} ({})").format(
        arrays, sql.Identifier(alias), listed(view.key)
    )
    return wanted, [list(values) for values in zip(*keys, strict=True)]


def _defined(column: Column) -> sql.Composed:
    null = sql.SQL("" if column.nullable else " NOT NULL")
    return sql.SQL("{} {}{}").format(sql.Identifier(column.name), sql.SQL(column.type), null)

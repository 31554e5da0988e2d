"""The registry of views: which table serves each, how far it has come, and whether it is well.

A view's row in it is the checkpoint, and is written in the same transaction as the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from projections.columns import SCHEMA
from projections.kit import View
from replay import tables
from replay.tables import Connection

LIVE, FAILED, REBUILDING = "live", "failed", "rebuilding"
ERROR_MAX = 2_000
"""Characters of an error that are kept."""

PREPARING = "views.prepare"
BUILDING = "views.build"
LEADING = "views.lead"

_TABLE = sql.Identifier(SCHEMA, "registry")
_GENERATIONS = sql.Identifier(SCHEMA, "generations")

_CREATE = sql.SQL(
    """CREATE TABLE IF NOT EXISTS {} (
        view text PRIMARY KEY,
        version int NOT NULL,
        wanted int NOT NULL,
        generation bigint NOT NULL,
        position bigint NOT NULL,
        state text NOT NULL CHECK (state IN ('live', 'failed', 'rebuilding')),
        error text,
        error_position bigint,
        updated_at timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = 50)"""
).format(_TABLE)
_CREATE_GENERATIONS = sql.SQL("CREATE SEQUENCE IF NOT EXISTS {}").format(_GENERATIONS)
# Unlogged as the tables of rows are: what is not in it after a crash has lost its rows.
_WHOLE = sql.Identifier(SCHEMA, "whole")
_CREATE_WHOLE = sql.SQL(
    "CREATE UNLOGGED TABLE IF NOT EXISTS {} (generation bigint PRIMARY KEY)"
).format(_WHOLE)
_ADD_WHOLE = sql.SQL("INSERT INTO {} VALUES (%s) ON CONFLICT DO NOTHING").format(_WHOLE)
_SWEEP_WHOLE = sql.SQL("DELETE FROM {} WHERE generation NOT IN (SELECT generation FROM {})").format(
    _WHOLE, _TABLE
)
_NOTE_LOSSES = sql.SQL(
    """UPDATE {} SET state = 'rebuilding', position = 0, error = NULL, error_position = NULL,
        updated_at = now()
    WHERE view = ANY(%s) AND generation NOT IN (SELECT generation FROM {})
        AND (state, position) <> ('rebuilding', 0)"""
).format(_TABLE, _WHOLE)
_READ = sql.SQL("SELECT * FROM {} WHERE view = ANY(%s) ORDER BY view").format(_TABLE)
_LOCK = sql.SQL("{} FOR UPDATE").format(_READ)
_ADVANCE = sql.SQL(
    """UPDATE {} SET position = %s, updated_at = now()
    WHERE generation = ANY(%s) AND position = %s AND state = 'live'"""
).format(_TABLE)
_FAIL = sql.SQL(
    """UPDATE {} SET state = 'failed', error = %s, error_position = %s, updated_at = now()
    WHERE view = %s AND generation = %s"""
).format(_TABLE)
_TAKE_UP = sql.SQL(
    """UPDATE {} SET wanted = %(version)s, state = 'rebuilding', error = NULL,
        error_position = NULL, updated_at = now()
    WHERE view = %(view)s AND wanted < %(version)s"""
).format(_TABLE)
_RETRY = sql.SQL(
    """UPDATE {} SET state = CASE WHEN version < wanted THEN 'rebuilding' ELSE 'live' END,
        error = NULL, error_position = NULL, updated_at = now()
    WHERE view = %(view)s AND wanted = %(version)s AND state = 'failed'"""
).format(_TABLE)
_SERVE = sql.SQL(
    """INSERT INTO {} (view, version, wanted, generation, position, state)
    VALUES (%(view)s, %(version)s, %(wanted)s, %(generation)s, %(position)s, %(state)s)
    ON CONFLICT (view) DO UPDATE SET version = EXCLUDED.version, wanted = EXCLUDED.wanted,
        generation = EXCLUDED.generation, position = EXCLUDED.position, state = EXCLUDED.state,
        error = NULL, error_position = NULL, updated_at = now()"""
).format(_TABLE)


@dataclass(frozen=True, slots=True)
class Standing:
    """A view's row in the registry."""

    view: str
    version: int
    """Of the rows that are served; 0 where none were made yet."""
    wanted: int
    """The version of the newest program that has taken the view up."""
    generation: int
    position: int
    """All events up to here are folded."""
    state: str
    """live, failed, or rebuilding: the rows are not yet those of the program's version."""
    error: str | None
    error_position: int | None
    updated_at: datetime


def create(conn: Connection, views: Collection[View[Any]], *, fresh: bool) -> None:
    """Makes the registry, and a table for each view that has none.

    ``fresh`` says that new tables can follow the log from its start; otherwise they are marked
    to be rebuilt.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (PREPARING,))
        conn.execute(_CREATE)
        conn.execute(_CREATE_GENERATIONS)
        conn.execute(_CREATE_WHOLE)
        known = read(conn, [view.name for view in views])
        for view in views:
            if view.name not in known:
                _add(conn, view, fresh)
        note_losses(conn, views)


def note_losses(conn: Connection, views: Collection[View[Any]]) -> None:
    """Marks views to be rebuilt whose rows went with a crash of the server."""
    conn.execute(_NOTE_LOSSES, ([view.name for view in views],))


def take_up(conn: Connection, views: Collection[View[Any]]) -> None:
    """Marks views of an older version to be rebuilt. What a newer program has taken up is left
    to it."""
    for view in views:
        conn.execute(_TAKE_UP, {"view": view.name, "version": view.version})


def retry(conn: Connection, views: Collection[View[Any]]) -> None:
    """Lets failed views go on from where they stand: the program may have been mended since."""
    for view in views:
        conn.execute(_RETRY, {"view": view.name, "version": view.version})


def _add(conn: Connection, view: View[Any], fresh: bool) -> None:
    generation = next_generation(conn)
    table = tables.table_name(view, generation)
    tables.create(conn, view, table)
    tables.add_key(conn, view, table)
    tables.add_indexes(conn, view, table)
    tables.serve(conn, view, table)
    version, state = (view.version, LIVE) if fresh else (0, REBUILDING)
    _enter(conn, view, version=version, generation=generation, position=0, state=state)


def read(conn: Connection, names: Collection[str]) -> dict[str, Standing]:
    """How views stand, by name; unknown ones are absent."""
    return _standings(conn, _READ, names)


def lock(conn: Connection, names: Collection[str]) -> dict[str, Standing]:
    """As ``read``; until the end of the transaction nobody else moves them."""
    return _standings(conn, _LOCK, names)


def _standings(
    conn: Connection, query: sql.Composed, names: Collection[str]
) -> dict[str, Standing]:
    with conn.cursor(row_factory=class_row(Standing)) as cursor:
        return {one.view: one for one in cursor.execute(query, (list(names),))}


def advance(conn: Connection, standings: Collection[Standing], after: int, upto: int) -> bool:
    """Moves live views from one position on to another. False where one is elsewhere by now."""
    if not standings:
        return True
    generations = [one.generation for one in standings]
    return conn.execute(_ADVANCE, (upto, generations, after)).rowcount == len(standings)


def fail(conn: Connection, standing: Standing, position: int | None, error: str) -> None:
    """Stops a view, with the error and the event at which it occurred."""
    conn.execute(_FAIL, (error, position, standing.view, standing.generation))


def describe(error: BaseException) -> str:
    """An error, and what caused it, in one line."""
    told = f"{type(error).__name__}: {error}"
    if error.__cause__ is not None:
        told += f" ({describe(error.__cause__)})"
    return told.replace("\0", "\ufffd")[:ERROR_MAX]


def next_generation(conn: Connection) -> int:
    """A number for a new table that no other one has or had."""
    row = conn.execute("SELECT nextval(%s)", (f"{SCHEMA}.generations",)).fetchone()
    return int(row[0]) if row else 0


def serve(conn: Connection, view: View[Any], generation: int, position: int) -> None:
    """Makes a generation the one that is read and followed."""
    tables.serve(conn, view, tables.table_name(view, generation))
    _enter(conn, view, version=view.version, generation=generation, position=position, state=LIVE)


def _enter(conn: Connection, view: View[Any], **values: Any) -> None:
    conn.execute(_SERVE, {"view": view.name, "wanted": view.version} | values)
    conn.execute(_ADD_WHOLE, (values["generation"],))
    conn.execute(_SWEEP_WHOLE)


def try_lock(conn: Connection, what: str) -> bool:
    """Whether this connection now holds a named lock. It is let go of with the connection."""
    asked = conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (what,))
    return asked.fetchone() == (True,)


@contextmanager
def locked(conn: Connection, what: str) -> Iterator[None]:
    """Waits for a named lock and holds it."""
    conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (what,))
    try:
        yield
    finally:
        if not conn.closed:
            unlock(conn, what)


def unlock(conn: Connection, what: str) -> None:
    conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (what,))

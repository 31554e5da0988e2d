"""The log as it is sealed: stored rows in the order of positions, and their leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import tuple_row

from event_store.ledger import COLUMNS, Row
from event_store.schema import app_dsn
from event_store.seals.heads import Head
from event_store.seals.leaves import Leaf
from event_store.seals.reasons import EventMissing

ROWS_MAX = 2_000
"""The most rows that are in memory at a time."""

TOPIC, STATE, POSITION, STREAM, VERSION, RECORDED_AT = range(6)
"""Where the first columns stand in a row."""

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM log.events"  # noqa: S608  # our own names
_PAGE = f"""
    {_SELECT} WHERE notification_id > %s AND notification_id <= %s
    ORDER BY notification_id LIMIT %s
"""
_OF_STREAMS = f"""
    {_SELECT} WHERE originator_id = ANY(%s) AND notification_id <= %s ORDER BY notification_id
"""
_HEADS = """
    SELECT DISTINCT ON (originator_id) originator_id, originator_version, notification_id
    FROM log.events WHERE notification_id <= %s
    ORDER BY originator_id, originator_version DESC
"""
_AT = f"{_SELECT} WHERE originator_id = %s AND originator_version = %s"
_BEFORE = """
    SELECT notification_id FROM log.events WHERE originator_id = %s AND originator_version < %s
    ORDER BY originator_version DESC LIMIT 1
"""
_NEWEST_OF = f"""
    {_SELECT} WHERE originator_id = %s AND notification_id <= %s
    ORDER BY originator_version DESC LIMIT 1
"""
_WAITING = """
    SELECT count(*), min(recorded_at) FROM log.events
    WHERE notification_id > %s AND originator_id <> %s
"""
_CONCERNED = """
    SELECT DISTINCT originator_id FROM log.events
    WHERE subjects @> ARRAY[%s]::uuid[] AND notification_id <= %s
"""


def connect(dsn: str) -> Connection[Any]:
    """A connection that reads the log; without the rights of whoever owns it."""
    return psycopg.connect(app_dsn(dsn), autocommit=True)


def rows(conn: Connection[Any], after: int, upto: int) -> Iterator[Row]:
    """The stored rows after a position, up to and with another one, as they are: rows that are
    missing are not noticed."""
    while after < upto:
        page = _ask(conn, _PAGE, (after, upto, ROWS_MAX))
        yield from page
        if len(page) < ROWS_MAX:
            return
        after = page[-1][POSITION]


def dense_rows(conn: Connection[Any], after: int, upto: int) -> Iterator[Row]:
    """The same, none missing.

    Raises:
        EventMissing: one is.
    """
    for row in rows(conn, after, upto):
        after += 1
        if row[POSITION] != after:
            raise EventMissing(f"the log has no event at position {after}")
        yield row
    if after < upto:
        raise EventMissing(f"the log has no event at position {after + 1}")


def rows_of(conn: Connection[Any], streams: Sequence[UUID], upto: int) -> list[Row]:
    """The stored rows of some streams in log order."""
    return _ask(conn, _OF_STREAMS, (list(streams), upto))


def streams_about(conn: Connection[Any], subject: UUID, upto: int) -> list[UUID]:
    """The streams with an event that concerns the subject."""
    return [stream for (stream,) in _ask(conn, _CONCERNED, (subject, upto))]


def heads(conn: Connection[Any], upto: int, leaf_at: Callable[[int], bytes]) -> list[Head]:
    """The newest event of each stream at a position; ``leaf_at`` gives leaf hashes by index."""
    found = sorted(_ask(conn, _HEADS, (upto,)), key=lambda row: row[2])
    return [Head(stream, version, leaf_at(position - 1)) for stream, version, position in found]


def last_position(conn: Connection[Any]) -> int:
    """The position of the newest event; 0 in an empty log."""
    return _ask(conn, "SELECT max(notification_id) FROM log.events", ())[0][0] or 0


def position_before(conn: Connection[Any], row: Row) -> int | None:
    """The position of the event before a row's in its stream; None if that is the first."""
    found = _ask(conn, _BEFORE, (row[STREAM], row[VERSION]))
    return found[0][0] if found else None


def row_at(conn: Connection[Any], stream: UUID, version: int) -> Row:
    """The row of an event that is there."""
    [row] = _ask(conn, _AT, (stream, version))
    return row


def newest_of(conn: Connection[Any], stream: UUID, upto: int) -> Row:
    """The newest row of a stream that is there at a position.

    Raises:
        EventMissing: it is not there.
    """
    found = _ask(conn, _NEWEST_OF, (stream, upto))
    if not found:
        raise EventMissing(f"the log has no event of {stream} up to position {upto}")
    return found[0]


def waiting(conn: Connection[Any], after: int, apart: UUID) -> tuple[int, datetime | None]:
    """How many events follow a position, and when the first of them was recorded; those of the
    one stream do not count."""
    count, since = _ask(conn, _WAITING, (after, apart))[0]
    return count, since


def leaf_of(row: Row, origin: str, previous: bytes | None) -> bytes:
    """The bytes that are hashed for a stored row."""
    return Leaf.of(row, origin, previous).encode()


def _ask(conn: Connection[Any], statement: str, arguments: tuple[Any, ...]) -> list[Row]:
    with conn.cursor(row_factory=tuple_row, binary=True) as cursor:
        return cursor.execute(statement.encode(), arguments).fetchall()

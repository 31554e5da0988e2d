"""The log's tables as the committer reads and writes them, inside one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow, tuple_row
from psycopg.types.json import Jsonb

from event_store.keyring import FORGET_CHANNEL, KEYS_LOCK
from event_store.ledger import COLUMNS, Erased, Ledger, Remembered, Staged
from event_store.store import Appended, Checkpoint

COMMIT_LOCK = 0x63726D_02
"""Advisory lock: one transaction at a time adds to the log, so that positions are dense and
become visible in their order."""
CHANNEL = "log"
"""Where each commit says the new head."""

_TYPES = (
    *("text", "bytea", "int8", "uuid", "int8", "timestamptz", "timestamptz", "text"),
    *("uuid", "uuid", "text", "text", "text", "uuid", "uuid", "uuid[]"),
)
_COPY = f"COPY log.events ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_HEAD = """
    SELECT clock_timestamp(), notification_id, recorded_at
    FROM (VALUES (1)) AS one LEFT JOIN (
        SELECT notification_id, recorded_at FROM log.events
        ORDER BY notification_id DESC LIMIT 1
    ) AS newest ON true
"""
_VERSIONS = """
    SELECT stream, version FROM unnest(%s::uuid[]) AS stream, LATERAL (
        SELECT originator_version FROM log.events WHERE originator_id = stream
        ORDER BY originator_version DESC LIMIT 1
    ) AS newest (version)
"""
_OWNERS = "SELECT key, owner FROM log.claims WHERE key = ANY(%s)"
_REMEMBERED = """
    SELECT command_id, fingerprint, position, streams, versions, events
    FROM log.commands WHERE command_id = ANY(%s)
"""
_REMEMBER = """
    INSERT INTO log.commands (command_id, fingerprint, position, streams, versions, events)
    VALUES (%s, %s, %s, %s, %s, %s)
"""
_CLAIM = """
    INSERT INTO log.claims (key, owner) VALUES (%s, %s)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner
"""
_RELEASE = "DELETE FROM log.claims WHERE key = ANY(%s)"
_KEYS = """
    SELECT subject, revision, fingerprint FROM log.keys WHERE subject = ANY(%b)
"""
_FENCE = """
    INSERT INTO log.fences (subject, erased_through, fingerprints) VALUES (%s, %s, %s)
    ON CONFLICT (subject) DO UPDATE SET
        erased_through = greatest(fences.erased_through, excluded.erased_through),
        fingerprints = fences.fingerprints || excluded.fingerprints,
        new_key_allowed = false
"""
_DESTROY = "DELETE FROM log.keys WHERE subject = ANY(%s)"
_DISOWN = "DELETE FROM log.claims WHERE owner = ANY(%s)"
_READMIT = "UPDATE log.fences SET new_key_allowed = true WHERE subject = ANY(%s)"
_CHECKPOINT = """
    INSERT INTO log.checkpoints (name, value) VALUES (%s, %s)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


def look_up(conn: Connection[Any], entries: Sequence[Staged]) -> Ledger:
    """Begins a transaction, takes the lock, and reads what the entries are judged by."""
    streams = {stream for staged in entries for stream in staged.streams}
    ids = {s.envelope.command_id for s in entries if s.fingerprint is not None}
    keys = {key for staged in entries for key in staged.keys}
    erased = {erasure.person for staged in entries for _, erasure in staged.erases}
    persons = erased | {person for staged in entries for person, _ in staged.sealed_under}
    with conn.pipeline():
        conn.execute("BEGIN")
        # In a statement of its own: the next one's snapshot is taken once the lock is held.
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (COMMIT_LOCK,), prepare=True)
        if erased:
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (KEYS_LOCK,), prepare=True)
        head = _ask(conn, _HEAD)
        versions = _ask(conn, _VERSIONS, list(streams))
        commands = _ask(conn, _REMEMBERED, list(ids)) if ids else None
        owners = _ask(conn, _OWNERS, list(keys)) if keys else None
        secrets = _ask(conn, _KEYS, list(persons)) if persons else None
    # Out of the pipeline all answers are there: one round trip.
    now, position, recorded_at = head.fetchall()[0]
    return Ledger(
        position or 0,
        max(now, recorded_at or now),
        dict(versions.fetchall()),
        dict(map(_remembered, commands)) if commands else {},
        dict(owners.fetchall()) if owners else {},
        {(s, r): bytes(print_) for s, r, print_ in secrets} if secrets else {},
    )


def write(conn: Connection[Any], ledger: Ledger, checkpoints: Sequence[Checkpoint]) -> None:
    """Stores what was accepted, tells the listeners, and commits."""
    if ledger.rows:
        with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for row in ledger.rows:
                copy.write_row(row)
    with conn.pipeline():
        _write_beside(conn, ledger)
        for checkpoint in checkpoints:
            conn.execute(_CHECKPOINT, (checkpoint.name, Jsonb(checkpoint.value)))
        if ledger.rows:
            conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(ledger.head)), prepare=True)
        conn.execute("COMMIT")


def _write_beside(conn: Connection[Any], ledger: Ledger) -> None:
    if ledger.erased:
        _erase(conn, ledger.erased)
    if ledger.readmitted:
        conn.execute(_READMIT, (ledger.readmitted,))
    gone = [key for key, owner in ledger.moved.items() if owner is None]
    if gone:
        conn.execute(_RELEASE, (gone,))
    taken = [(key, owner) for key, owner in ledger.moved.items() if owner is not None]
    with conn.cursor() as cursor:
        if taken:
            cursor.executemany(_CLAIM, taken)
        if ledger.remembered:
            cursor.executemany(_REMEMBER, [_memo(*it) for it in ledger.remembered.items()])


def _erase(conn: Connection[Any], erased: Mapping[bytes, Erased]) -> None:
    """The fence first; and whoever keeps keys open hears of it once this is committed."""
    persons = [it.person for it in erased.values()]
    with conn.cursor() as cursor:
        fences = [(name, it.through, list(it.fingerprints)) for name, it in erased.items()]
        cursor.executemany(_FENCE, fences)
    conn.execute(_DESTROY, (persons,))
    conn.execute(_DISOWN, (persons,))
    conn.execute("SELECT pg_notify(%s, '')", (FORGET_CHANNEL,))


def is_stored(conn: Connection[Any], ledger: Ledger) -> bool:
    """Whether the batch was committed: a transaction is whole, so its first event tells."""
    if not ledger.rows:
        return False
    first = dict(zip(COLUMNS, ledger.rows[0], strict=True))
    found = conn.execute(
        "SELECT FROM log.events"
        " WHERE originator_id = %s AND originator_version = %s AND command_id = %s",
        (first["originator_id"], first["originator_version"], first["command_id"]),
    )
    return found.fetchone() is not None


def remembered(conn: Connection[Any], commands: Collection[UUID]) -> dict[UUID, Remembered]:
    """What commands did; those that are not remembered are absent."""
    return dict(map(_remembered, _ask(conn, _REMEMBERED, list(commands))))


def owners(conn: Connection[Any], keys: Sequence[bytes]) -> dict[bytes, UUID]:
    """Who holds the values behind the keys; free ones are absent."""
    return dict(_ask(conn, _OWNERS, list(keys)).fetchall())


def _ask(conn: Connection[Any], statement: str, *arguments: object) -> Cursor[TupleRow]:
    cursor = conn.cursor(row_factory=tuple_row, binary=True)
    return cursor.execute(statement.encode(), arguments, prepare=True)


def _remembered(row: TupleRow) -> tuple[UUID, Remembered]:
    command_id, fingerprint, position, streams, versions, events = row
    done = Appended(position, dict(zip(streams, versions, strict=True)), tuple(events))
    return command_id, Remembered(fingerprint, done)


def _memo(command_id: UUID, it: Remembered) -> tuple[Any, ...]:
    versions = it.done.versions
    return (
        command_id,
        it.fingerprint,
        it.done.position,
        list(versions),
        list(versions.values()),
        list(it.done.events),
    )


def checkpoint(conn: Connection[Any], name: str) -> dict[str, Any] | None:
    """The last checkpoint stored under a name."""
    found = _ask(conn, "SELECT value FROM log.checkpoints WHERE name = %s", name).fetchone()
    return found[0] if found else None

"""Messages that could not be carried out, kept with why until somebody decides on them.

Whoever sends under a key wants that key's messages in their order. So a refused one parks its
key: what comes after it waits behind it, in the order of arrival. Everything here can be deleted,
and what a message says is sealed under a secret from outside the database.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from event_store.schema import app_dsn
from event_store.store import Unavailable

CONNECTIONS_MAX = 2
TURN_SECONDS_MAX = 5.0
"""How long a caller waits for a connection."""
_NONCE_BYTES = 12
LIST_MAX = 1_000
"""The most letters that are listed at once."""

State = Literal["refused", "waiting", "dropped"]
"""``refused``: the rules or the reader said no. ``waiting``: its turn has not come, one of its
key is before it. ``dropped``: somebody has decided against it; only that is still known."""


class NoSuchLetter(Exception):
    """There is no dead letter of that number, or it was dropped."""


class CannotOpen(Exception):
    """A letter was sealed under another secret than the one that is here."""


class Message(msgspec.Struct, frozen=True):
    """A message as a topic holds it."""

    topic: str
    partition: int
    offset: int
    sent_at: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def place(self) -> str:
        """Where it stands: ``topic/partition/offset``."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Why(msgspec.Struct, frozen=True):
    """What is wrong with a message. Nothing in it may speak of a person."""

    code: str
    reason: str
    field: str | None = None


class Letter(msgspec.Struct, frozen=True):
    """A message that is kept here."""

    id: int
    state: State
    message: Message
    why: Why | None
    """None for one that waits: nobody has tried it yet."""
    tries: int
    first_at: datetime
    last_at: datetime
    """When it was last tried, or dropped."""
    dropped_by: str | None
    drop_reason: str | None


class Standing(msgspec.Struct, frozen=True):
    """How many letters there are, and since when the oldest is here."""

    refused: int
    waiting: int
    oldest: datetime | None

    def age(self) -> float:
        """Seconds that the oldest has been here; 0 where there is none."""
        return (datetime.now(UTC) - self.oldest).total_seconds() if self.oldest else 0.0


CarryOut = Callable[[Message], Why | None]
"""Tries a message again. Returns None where that went well."""

_SELECT = """
    SELECT id, state, topic, partition, "offset", sent_at, content,
        code, reason, field, tries, first_at, last_at, dropped_by, drop_reason
    FROM log.dead_letters
"""
_OF_LANE = "lane = %s AND state <> 'dropped'"
_LISTED = f"""{_SELECT}
    WHERE id > %s AND (%s OR state <> 'dropped') ORDER BY id LIMIT {LIST_MAX}
"""
_BY_ID = f"{_SELECT} WHERE id = %s"
_ALONE = f"{_SELECT} WHERE id = %s AND state <> 'dropped' FOR UPDATE"
_FIRST = f"{_SELECT} WHERE {_OF_LANE} ORDER BY id LIMIT 1"
_FIRST_LOCKED = f"{_FIRST} FOR UPDATE"
# The lock keeps the last of a key from being taken away while another one joins behind it.
_PARKED = """
    SELECT lane, "offset", sent_at FROM log.dead_letters
    WHERE lane = ANY(%s) AND state <> 'dropped' FOR SHARE
"""
_KEEP = """
    INSERT INTO log.dead_letters
        (state, topic, partition, "offset", sent_at, lane, content, code, reason, field, tries)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
_REFUSED_AGAIN = """
    UPDATE log.dead_letters
    SET state = 'refused', code = %s, reason = %s, field = %s, tries = tries + 1, last_at = now()
    WHERE id = %s
"""
_DROP = """
    UPDATE log.dead_letters
    SET state = 'dropped', dropped_by = %s, drop_reason = %s, last_at = now(),
        lane = NULL, content = NULL
    WHERE id = %s
"""
_STANDING = """
    SELECT count(*) FILTER (WHERE state = 'refused'), count(*) FILTER (WHERE state = 'waiting'),
        min(first_at)
    FROM log.dead_letters WHERE state <> 'dropped'
"""


class DeadLetters:
    """The dead letters of one workspace. Safe to share between threads.

    ``secret`` lies outside the database; without it nobody can read what is kept here. Every
    method raises ``Unavailable`` where the database cannot be reached.
    """

    def __init__(self, dsn: str, *, secret: bytes) -> None:
        self._seal = _Seal(secret)
        self._pool = ConnectionPool(
            app_dsn(dsn),
            min_size=0,
            max_size=CONNECTIONS_MAX,
            timeout=TURN_SECONDS_MAX,
            check=ConnectionPool.check_connection,
            open=True,
        )

    def hold(self, messages: Sequence[Message]) -> list[Message]:
        """Lets those whose key is parked wait behind it, and returns the others."""
        lanes = [self._seal.lane(message) for message in messages]
        asked = list({lane for lane in lanes if lane is not None})
        if not asked:
            return list(messages)
        with self._transaction() as conn:
            first: dict[bytes, tuple[int, datetime]] = {}
            for lane, *place in conn.execute(_PARKED, [asked]):
                first[lane] = min(first.get(lane, tuple(place)), tuple(place))
            behind = [
                _is_behind(message, first.get(lane) if lane else None)
                for message, lane in zip(messages, lanes, strict=True)
            ]
            held = [m for m, waits in zip(messages, behind, strict=True) if waits]
            self._insert(conn, [(message, None) for message in held])
        return [m for m, waits in zip(messages, behind, strict=True) if not waits]

    def keep(self, messages: Sequence[tuple[Message, Why | None]]) -> None:
        """Keeps messages in their order; one without a reason waits for those before it. One
        that is here already stays as it is."""
        if messages:
            with self._transaction() as conn:
                self._insert(conn, messages)

    def listed(self, after: int = 0, *, dropped: bool = False) -> list[Letter]:
        """Letters by number, at most ``LIST_MAX`` of them."""
        with self._transaction() as conn:
            rows = conn.execute(_LISTED.encode(), [after, dropped]).fetchall()
        return [self._letter(row) for row in rows]

    def get(self, number: int) -> Letter:
        """One letter.

        Raises:
            NoSuchLetter: it is not there.
        """
        with self._transaction() as conn:
            row = conn.execute(_BY_ID.encode(), [number]).fetchone()
        if row is None:
            raise NoSuchLetter(f"There is no dead letter {number}.")
        return self._letter(row)

    def retry(self, number: int, carry_out: CarryOut) -> Iterator[tuple[Letter, Why | None]]:
        """Tries a letter again, and all of its key before and behind it, in their order, until
        one is refused. Those that went well are gone from here.

        Raises:
            NoSuchLetter: it is not there, or was dropped.
        """
        letter = self.get(number)
        if letter.state == "dropped":
            raise NoSuchLetter(f"Dead letter {number} was dropped.")
        lane = self._seal.lane(letter.message)
        if lane is None:
            yield from self._try_first(_ALONE, number, carry_out)
            return
        while True:
            tried = self._try_first(_FIRST_LOCKED, lane, carry_out)
            yield from tried
            if not tried or tried[0][1] is not None:
                return

    def _try_first(
        self, statement: str, asked: int | bytes, carry_out: CarryOut
    ) -> list[tuple[Letter, Why | None]]:
        """Tries the letter that the statement finds, and holds it while it does."""
        with self._transaction() as conn:
            row = conn.execute(statement.encode(), [asked]).fetchone()
            if row is None:
                return []
            letter = self._letter(row)
            why = carry_out(letter.message)
            if why is None:
                conn.execute("DELETE FROM log.dead_letters WHERE id = %s", [letter.id])
            else:
                conn.execute(_REFUSED_AGAIN, [why.code, why.reason, why.field, letter.id])
            return [(letter, why)]

    def drop(self, number: int, actor: str, reason: str) -> int | None:
        """Gives a letter up. What it said is deleted; who decided that, and why, stays.

        Returns the number of the letter that this lets go on, if it stood before one.

        Raises:
            NoSuchLetter: it is not there, or was dropped before.
        """
        with self._transaction() as conn:
            row = conn.execute(_ALONE.encode(), [number]).fetchone()
            if row is None:
                raise NoSuchLetter(f"There is no dead letter {number} to drop.")
            lane = self._seal.lane(self._letter(row).message)
            conn.execute(_DROP, [actor, reason, number])
            first = conn.execute(_FIRST.encode(), [lane]).fetchone()
        after = self._letter(first) if first else None
        return after.id if after and after.state == "waiting" else None

    def standing(self) -> Standing:
        with self._transaction() as conn:
            return Standing(*(conn.execute(_STANDING).fetchone() or (0, 0, None)))

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection[TupleRow]]:
        try:
            with self._pool.connection() as conn:
                yield conn
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as lost:
            raise Unavailable(f"the database cannot be reached: {lost}") from lost

    def _insert(
        self,
        conn: psycopg.Connection[TupleRow],
        messages: Sequence[tuple[Message, Why | None]],
    ) -> None:
        if messages:
            rows = [self._row(message, why) for message, why in messages]
            with conn.cursor() as cursor:
                cursor.executemany(_KEEP, rows)

    def _row(self, message: Message, why: Why | None) -> tuple[Any, ...]:
        return (
            "refused" if why else "waiting",
            *(message.topic, message.partition, message.offset, message.sent_at),
            *(self._seal.lane(message), self._seal.close(message)),
            *((why.code, why.reason, why.field) if why else (None, None, None)),
            1 if why else 0,
        )

    def _letter(self, row: TupleRow) -> Letter:
        number, state, topic, partition, offset, sent_at, content, *rest = row
        code, reason, field, *times = rest
        message = Message(topic, partition, offset, sent_at, None, None)
        if content is not None:
            message = self._seal.open(message, content)
        why = Why(code, reason, field) if code is not None else None
        return Letter(number, state, message, why, *times)


class _Content(msgspec.Struct, frozen=True, array_like=True):
    """What a sender has written."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class _Seal:
    """Closes and opens messages. Bound to its place, a content cannot be put into another row."""

    def __init__(self, secret: bytes) -> None:
        self._lanes = hmac.digest(secret, b"dead letters: lanes", hashlib.sha256)
        self._aes = AESGCM(hmac.digest(secret, b"dead letters: contents", hashlib.sha256))

    def lane(self, message: Message) -> bytes | None:
        """What all messages of a topic and a key have in common, telling neither."""
        if message.key is None:
            return None
        return hmac.digest(
            self._lanes, message.topic.encode() + b"\0" + message.key, hashlib.sha256
        )

    def close(self, message: Message) -> bytes:
        content = msgspec.msgpack.encode(_Content(message.key, message.value, message.headers))
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aes.encrypt(nonce, content, message.place.encode())

    def open(self, message: Message, sealed: bytes) -> Message:
        """The message with its content.

        Raises:
            CannotOpen: it was sealed under another secret, or altered.
        """
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            said = self._aes.decrypt(nonce, rest, message.place.encode())
        except InvalidTag:
            raise CannotOpen(
                f"The dead letter from {message.place} was sealed under another claim key."
            ) from None
        found = msgspec.msgpack.decode(said, type=_Content)
        place = (message.topic, message.partition, message.offset, message.sent_at)
        return Message(*place, found.key, found.value, found.headers)


def _is_behind(message: Message, first: tuple[int, datetime] | None) -> bool:
    """Whether a message comes after the first letter of its key. One that came before it was
    carried out; it is there because it is delivered again."""
    if first is None:
        return False
    offset, sent_at = first
    return not (message.offset < offset and message.sent_at <= sent_at)

"""How far a topic holds the log for certain, and who may say so.

The position is stored with an epoch. Whoever takes over counts it up, and so does a replay; a
relay with an older epoch cannot move the position any more, however late it wakes up.
"""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from event_store.store import EventStore

FIRST = 1
"""The version of a stream's first event, and the position of the log's."""
LOCK = 7_203_461_925  # any number that no other lock of ours uses

_CLAIM = """
    INSERT INTO log.checkpoints (name, value) VALUES (%(name)s, %(first)s)
    ON CONFLICT (name) DO UPDATE
    SET value = checkpoints.value || jsonb_build_object('epoch', {next_epoch})
    RETURNING (value ->> 'epoch')::bigint
""".replace("{next_epoch}", "coalesce((checkpoints.value ->> 'epoch')::bigint, 0) + 1")
_CHECK = """
    SELECT (value ->> 'position')::bigint FROM log.checkpoints
    WHERE name = %(name)s AND (value ->> 'epoch')::bigint = %(epoch)s
"""
_ADVANCE = """
    UPDATE log.checkpoints SET value = value || jsonb_build_object('position', %(position)s::bigint)
    WHERE name = %(name)s AND (value ->> 'epoch')::bigint = %(epoch)s
"""


class LeadershipLost(Exception):
    """Another relay has taken over, or the position was moved."""


class Lag(msgspec.Struct, frozen=True):
    """How far the topic is behind the log."""

    position: int
    events: int


def _name(topic: str) -> str:
    return f"relay {topic}"


class RelayProgress:
    """The position of a topic in the hands of one who leads."""

    def __init__(self, conn: psycopg.Connection[Any], topic: str, epoch: int) -> None:
        self._conn = conn
        self._mine = {"name": _name(topic), "epoch": epoch}

    @classmethod
    def claim(cls, conn: psycopg.Connection[Any], topic: str) -> RelayProgress:
        """Begins a new epoch: all those before it cannot move the position any more."""
        first = Jsonb({"position": 0, "epoch": 1})
        row = conn.execute(_CLAIM.encode(), {"name": _name(topic), "first": first}).fetchone()
        assert row is not None  # noqa: S101  # an upsert returns its row
        return cls(conn, topic, row[0])

    def check(self) -> int:
        """The position.

        Raises:
            LeadershipLost: the epoch is over.
        """
        row = self._conn.execute(_CHECK, self._mine).fetchone()
        if row is None:
            raise LeadershipLost
        return int(row[0])

    def advance(self, position: int) -> None:
        """Says that the topic holds everything up to the position.

        Raises:
            LeadershipLost: the epoch is over; nothing was said.
        """
        if self._conn.execute(_ADVANCE, {**self._mine, "position": position}).rowcount != 1:
            raise LeadershipLost


def replay_from(conn: psycopg.Connection[Any], topic: str, position: int) -> None:
    """Lets the relay publish again from this position on, wherever it runs."""
    with conn.transaction():  # or the relay, driven out, would claim the next epoch in between
        RelayProgress.claim(conn, topic).advance(position - FIRST)


def relay_lag(store: EventStore, topic: str) -> Lag | None:
    """How far the topic has come; None where no relay has ever worked."""
    saved = store.checkpoint(_name(topic))
    if saved is None:
        return None
    position = int(saved["position"])
    return Lag(position, max(store.head() - position, 0))

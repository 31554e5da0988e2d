"""People's keys as the database keeps them: wrapped, beside the log, under fences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow, tuple_row

from domain.kernel import Withheld
from event_store.keks import Keks, WrapFailed
from event_store.keys import (
    Fence,
    Key,
    Keys,
    PersonalDataLocked,
    PersonErased,
    new_secret,
    parse_key_id,
    pseudonym,
)

KEYS_LOCK = 0x63726D_03
"""Advisory lock: shared by those who make keys; alone with it are erasure and rotation."""
FORGET_CHANNEL = "log_keys"
"""Where it is said that open keys have to be dropped."""
FOREIGN = "the key encryption keys are not those of this log"
REWRAP_MAX = 10_000
"""How many keys a rotation wraps at a time."""

_LATEST = """
    SELECT subject, revision, kek_epoch, wrapped FROM unnest(%b::uuid[]) AS wanted, LATERAL (
        SELECT * FROM log.keys WHERE keys.subject = wanted ORDER BY revision DESC LIMIT 1
    ) AS latest
"""
_THESE = """
    SELECT subject, revision, kek_epoch, wrapped
    FROM log.keys JOIN unnest(%b::uuid[], %b::int[]) AS wanted (subject, revision)
    USING (subject, revision)
"""
_FENCES = """
    SELECT subject, erased_through, fingerprints, new_key_allowed
    FROM log.fences WHERE subject = ANY(%b)
"""
_ADD = """
    INSERT INTO log.keys (subject, revision, kek_epoch, wrapped, fingerprint)
    SELECT * FROM unnest(%b::uuid[], %b::int[], %b::int[], %b::bytea[], %b::bytea[])
    ON CONFLICT DO NOTHING
"""
_FINGERPRINTS = "SELECT subject, fingerprint FROM log.keys WHERE subject = ANY(%b)"
_ANY = """
    SELECT subject, revision, kek_epoch, wrapped FROM log.keys ORDER BY kek_epoch DESC LIMIT 1
"""
_COUNTS = "SELECT kek_epoch, count(*) FROM log.keys GROUP BY kek_epoch ORDER BY kek_epoch"
_OLDER = """
    SELECT subject, revision, kek_epoch, wrapped FROM log.keys
    WHERE kek_epoch <> %s LIMIT %s
"""
_REWRAP = """
    UPDATE log.keys SET kek_epoch = %b, wrapped = new.wrapped
    FROM unnest(%b::uuid[], %b::int[], %b::bytea[]) AS new (subject, revision, wrapped)
    WHERE keys.subject = new.subject AND keys.revision = new.revision
"""


class Wrapped(NamedTuple):
    """A row of ``log.keys``."""

    subject: UUID
    revision: int
    kek_epoch: int
    wrapped: bytes


class PostgresKeys(Keys):
    """The keys of one workspace. ``ask`` runs a function on a connection of the pool."""

    def __init__(
        self,
        ask: Callable[[Callable[[Connection[Any]], Any]], Any],
        keks: Keks,
        workspace: str,
        claim_key: bytes,
    ) -> None:
        super().__init__()
        self._with, self.keks = ask, keks
        self._workspace, self._claim_key = workspace, claim_key

    def _make(self, subjects: Collection[UUID]) -> dict[UUID, Key]:
        made: dict[UUID, Key] = self._with(lambda conn: self._make_over(conn, list(subjects)))
        return made

    def _make_over(self, conn: Connection[Any], subjects: list[UUID]) -> dict[UUID, Key]:
        with conn.transaction():
            with conn.pipeline():
                # The log's next commit makes it durable, and nothing is stored under it before.
                conn.execute("SET LOCAL synchronous_commit = off")
                conn.execute("SELECT pg_advisory_xact_lock_shared(%s)", (KEYS_LOCK,), prepare=True)
                latest = _ask(conn, _LATEST, subjects)
                fenced = _ask(conn, _FENCES, self._pseudonyms(subjects))
                newest = _ask(conn, _ANY)
            fences = self._fences(subjects, fenced)
            known = self._live(latest, fences)
            missing = [s for s in subjects if s not in known]
            if not missing:
                return known
            stopped = [s for s in missing if s in fences and not fences[s].new_key_allowed]
            if stopped:
                raise PersonErased(stopped)
            epoch = self._epoch(newest)
            revisions = {s: fences[s].erased_through + 1 if s in fences else 1 for s in missing}
            return known | self._add(conn, epoch, revisions)

    def _live(self, latest: Cursor[TupleRow], fences: Mapping[UUID, Fence]) -> dict[UUID, Key]:
        """The keys that are there and that no fence stops.

        Raises:
            PersonalDataLocked: one does not open.
        """
        found = {}
        for row in map(Wrapped._make, latest.fetchall()):
            key = self._opened(row)
            if key is None:
                raise PersonalDataLocked(why="a person's key does not open")
            fence = fences.get(row.subject)
            if fence is None or not fence.stops(row.revision, key.fingerprint):
                found[row.subject] = key
        return found

    def _epoch(self, newest: Cursor[TupleRow]) -> int:
        """The current epoch, if it belongs to the keys that are there."""
        epoch = self.keks.current()
        if not all(self._opened(Wrapped(*row)) for row in newest.fetchall()):
            raise PersonalDataLocked(why=FOREIGN)
        return epoch

    def _add(
        self, conn: Connection[Any], epoch: int, revisions: Mapping[UUID, int]
    ) -> dict[UUID, Key]:
        keys = {s: Key.of(s, revision, new_secret()) for s, revision in revisions.items()}
        rows = [
            (s, k.revision, epoch, self._wrapped(epoch, k), k.fingerprint) for s, k in keys.items()
        ]
        added = _ask(conn, _ADD, *(list(column) for column in zip(*rows, strict=True)))
        if added.rowcount < len(rows):
            # Somebody else made some of them meanwhile; theirs are the ones.
            keys |= self._live(_ask(conn, _LATEST, list(revisions)), {})
        return keys

    def _find(self, ids: Collection[str]) -> dict[str, Key | Withheld]:
        wanted = {key_id: parse_key_id(key_id) for key_id in ids}
        subjects = list({subject for subject, _ in wanted.values()})

        def look(conn: Connection[Any]) -> tuple[list[Any], dict[UUID, Fence]]:
            columns = [list(column) for column in zip(*wanted.values(), strict=True)]
            with conn.pipeline():
                rows = _ask(conn, _THESE, *columns)
                fenced = _ask(conn, _FENCES, self._pseudonyms(subjects))
            return rows.fetchall(), self._fences(subjects, fenced)

        rows, fences = self._with(look)
        keys = {(row.subject, row.revision): row for row in map(Wrapped._make, rows)}
        return {i: self._found(keys.get(w), w, fences.get(w[0])) for i, w in wanted.items()}

    def _found(
        self, row: Wrapped | None, wanted: tuple[UUID, int], fence: Fence | None
    ) -> Key | Withheld:
        if fence is not None and fence.stops(wanted[1]):
            return "erased"
        try:
            key = self._opened(row) if row is not None else None
        except PersonalDataLocked:
            key = None
        if key is not None and fence is not None and fence.stops(key.revision, key.fingerprint):
            return "erased"
        return key or "unreadable"

    def _opened(self, row: Wrapped) -> Key | None:
        try:
            secret = self.keks.unwrap(row.kek_epoch, row.wrapped, self._bound(*row[:2]))
        except WrapFailed:
            return None
        return Key.of(row.subject, row.revision, secret)

    def _wrapped(self, epoch: int, key: Key) -> bytes:
        return self.keks.wrap(epoch, key.secret, self._bound(key.subject, key.revision))

    def _bound(self, subject: UUID, revision: int) -> bytes:
        return f"{self._workspace}|{subject}|{revision}".encode()

    def _pseudonyms(self, subjects: Collection[UUID]) -> list[bytes]:
        return [pseudonym(self._claim_key, subject) for subject in subjects]

    def _fences(self, subjects: Collection[UUID], found: Cursor[TupleRow]) -> dict[UUID, Fence]:
        rows = {
            bytes(name): Fence(through, frozenset(map(bytes, prints)), allowed)
            for name, through, prints, allowed in found.fetchall()
        }
        named = zip(self._pseudonyms(subjects), subjects, strict=True) if rows else ()
        return {subject: rows[name] for name, subject in named if name in rows}

    def fingerprints(self, subjects: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        found: dict[UUID, set[bytes]] = {subject: set() for subject in subjects}
        rows = self._with(lambda conn: _ask(conn, _FINGERPRINTS, list(subjects)).fetchall())
        for subject, fingerprint in rows:
            found[subject].add(bytes(fingerprint))
        return {subject: frozenset(prints) for subject, prints in found.items()}

    def check(self) -> str | None:
        """Why keys cannot be opened, if they cannot."""
        rows = self._with(lambda conn: _ask(conn, _ANY).fetchall())
        try:
            self.keks.current()
            opens = all(self._opened(Wrapped(*row)) for row in rows)
        except PersonalDataLocked as locked:
            return str(locked.facts["why"])
        return None if opens else FOREIGN

    def counts(self) -> KeyCounts:
        def ask(conn: Connection[Any]) -> KeyCounts:
            epochs = _ask(conn, _COUNTS).fetchall()
            fences = _ask(conn, "SELECT count(*) FROM log.fences").fetchall()
            return KeyCounts(dict(epochs), fences[0][0])

        counts: KeyCounts = self._with(ask)
        return counts

    def rotate(self) -> Rotated:
        """Begins an epoch, wraps every key under it, and destroys the epochs before it. It may be
        done again after it broke off; nobody makes a key or erases one meanwhile.

        Raises:
            PersonalDataLocked: a key does not open, or the epochs cannot be had.
        """
        why = self.check()
        if why is not None:
            raise PersonalDataLocked(why=why)
        rotated: Rotated = self._with(self._rotate_over)
        return rotated

    def _rotate_over(self, conn: Connection[Any]) -> Rotated:
        count = 0
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (KEYS_LOCK,))
            epoch = self.keks.begin()
            while rows := _ask(conn, _OLDER, epoch, REWRAP_MAX).fetchall():
                self._rewrap(conn, epoch, [Wrapped(*row) for row in rows])
                count += len(rows)
        # Only now that the new wraps are durable may the old epochs go.
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (KEYS_LOCK,))
            left = _ask(conn, _OLDER, epoch, 1).fetchall()
            retired = () if left else self.keks.retire(epoch)
        return Rotated(epoch, count, retired)

    def _rewrap(self, conn: Connection[Any], epoch: int, rows: Sequence[Wrapped]) -> None:
        keys = [(row, self._opened(row)) for row in rows]
        for row, key in keys:
            if key is None:
                raise PersonalDataLocked(
                    why=f"a key of epoch {row.kek_epoch} does not open; nothing was destroyed"
                )
        wrapped = [self._wrapped(epoch, key) for _, key in keys if key is not None]
        subjects, revisions = [row.subject for row in rows], [row.revision for row in rows]
        _ask(conn, _REWRAP, epoch, subjects, revisions, wrapped)


class KeyCounts(NamedTuple):
    """How things stand with the keys."""

    epochs: dict[int, int]
    """How many people's keys are wrapped under each epoch."""
    fences: int
    """How many people were erased."""


class Rotated(NamedTuple):
    """What a rotation did."""

    epoch: int
    """The current one now."""
    keys: int
    """How many keys were wrapped anew."""
    retired: tuple[int, ...]
    """The epochs that were destroyed."""


def any_keys(dsn: str) -> bool:
    """Whether keys were ever made in a migrated database, or destroyed."""
    with psycopg.connect(dsn) as conn:
        asked = conn.execute(
            "SELECT EXISTS (SELECT FROM log.keys) OR EXISTS (SELECT FROM log.fences)"
        )
        return asked.fetchone() == (True,)


def _ask(conn: Connection[Any], statement: str, *arguments: object) -> Cursor[TupleRow]:
    cursor = conn.cursor(row_factory=tuple_row, binary=True)
    return cursor.execute(statement.encode(), arguments, prepare=True)

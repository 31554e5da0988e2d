"""The log in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from eventsourcing.persistence import InterfaceError, OperationalError
from eventsourcing.postgres import PostgresDatastore
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from domain.kernel import NOW, Cut, Recorded
from event_store import journal
from event_store.committer import Job
from event_store.keks import Keks
from event_store.keyring import PostgresKeys
from event_store.keys import PersonErased
from event_store.ledger import (
    COLUMNS,
    Stager,
    by_stream,
    claim_digest,
    fingerprint_digest,
)
from event_store.recorder import CrmRecorder
from event_store.schema import app_dsn
from event_store.sealing import Reader
from event_store.store import (
    PAGE_MAX,
    Appended,
    Checkpoint,
    Entry,
    EventStore,
    Unavailable,
)
from event_store.tail import Tail

READERS_MAX = 16
"""How many reads run at a time; more wait for their turn."""
TURN_SECONDS_MAX = 5.0
"""How long a read waits for a connection."""
RETRY_SECONDS = (0.05, 0.5)
"""The pauses after which a read is tried again when the database cannot be reached."""

T = TypeVar("T")

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM log.events"  # noqa: S608  # our own names
_READ = f"{_SELECT} WHERE originator_id = %s ORDER BY originator_version"
_READ_UPTO = (
    f"{_SELECT} WHERE originator_id = %s AND originator_version <= %s ORDER BY originator_version"
)
_READ_MANY = f"{_SELECT} WHERE originator_id = ANY(%s) ORDER BY originator_id, originator_version"
_ORDERED = "ORDER BY notification_id LIMIT %(limit)s"
_PAGE = f"{_SELECT} WHERE notification_id > %(after)s AND notification_id <= %(upto)s {_ORDERED}"
# Each name is read in position order by its index, then the names are merged. Comparing the
# pair, no other index fits: the one by position would walk past everything else.
_PAGE_OF_NAMES = f"""
    SELECT found.* FROM unnest(%(names)s::text[]) AS name, LATERAL (
        {_SELECT}
        WHERE (split_part(topic, '/', 1), notification_id) > (name, %(after)s)
        AND (split_part(topic, '/', 1), notification_id) <= (name, %(upto)s)
        ORDER BY split_part(topic, '/', 1), notification_id LIMIT %(limit)s
    ) AS found {_ORDERED}
"""  # noqa: S608  # our own names
_POSITION_MAX = 2**63 - 1
# The inner part is fenced (OFFSET 0): read by subject, never along the whole log.
_BY_SUBJECT = f"""
    SELECT * FROM ({_SELECT} WHERE subjects && %(subjects)s::uuid[] OFFSET 0) AS mine
    WHERE (%(at)s::timestamptz IS NULL OR occurred_at <= %(at)s)
    AND (%(knew)s::timestamptz IS NULL OR recorded_at <= %(knew)s)
    AND notification_id < %(before)s
    ORDER BY notification_id
"""  # noqa: S608  # our own names
_BY_SUBJECT_NEWEST = f"{_BY_SUBJECT} DESC LIMIT %(limit)s"


class _Datastore(PostgresDatastore):
    """The library's pool, with all that the DSN says. It connects when it is first used."""

    def __init__(self, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        super().__init__(
            *(str(given.get(n) or "") for n in ("dbname", "host", "port", "user", "password")),
            connect_timeout=TURN_SECONDS_MAX,
            max_overflow=READERS_MAX - 1,
        )
        own = cast("dict[str, Any]", self.pool.kwargs)
        self.pool.kwargs = {name: value for name, value in own.items() if value != ""} | given

    def register_type_adapters(self) -> None:
        """The library's statements use a type of its own; ours do not."""


class PostgresEventStore(EventStore):
    """The log in a database that ``schema.migrate`` has made ready.

    ``claim_key`` is a secret kept outside the database: claimed values are stored under it.
    ``keks`` wrap the keys that seal what is personal, for the log of that ``workspace``.
    """

    def __init__(self, dsn: str, *, claim_key: bytes, keks: Keks, workspace: str = "main") -> None:
        self._claim_key = claim_key
        self._datastore = _Datastore(app_dsn(dsn))
        self.recorder = CrmRecorder(self._datastore, committed=self._committed)
        self.keys = PostgresKeys(self._with, keks, workspace, claim_key)
        self._tail = Tail(self.recorder.connect, forget=self.keys.forget)
        self._stager = Stager(workspace, claim_key, self.keys)
        self._reader = Reader(workspace, self.keys)

    def _committed(self, head: int) -> None:
        self._tail.advance(head)

    def append(self, entry: Entry) -> Appended:
        (done,) = self._submit(Job(self._stager.stage([entry])))
        return done

    def append_all(
        self, entries: Sequence[Entry], checkpoint: Checkpoint | None = None
    ) -> list[Appended]:
        return self._submit(Job(self._stager.stage(entries), checkpoint, bulk=True))

    def _submit(self, job: Job) -> list[Appended]:
        try:
            return self.recorder.committer.submit(job)
        except PersonErased:
            self.keys.forget()  # it was sealed under a key that is no more
            raise
        finally:
            if any(staged.erases for staged in job.entries):
                self.keys.forget()

    def read(self, stream: UUID, *, upto: int | None = None) -> list[Recorded[Any]]:
        if upto is None:
            return self._events(_READ, (stream,))
        return self._events(_READ_UPTO, (stream, upto))

    def read_many(self, streams: Collection[UUID]) -> dict[UUID, list[Recorded[Any]]]:
        return by_stream(self._events(_READ_MANY, (list(streams),)))

    def by_subject(
        self,
        *subjects: UUID,
        cut: Cut = NOW,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Recorded[Any]]:
        asked = {"subjects": list(subjects), "at": cut.at, "knew": cut.knew, "limit": limit}
        asked["before"] = _POSITION_MAX if before is None else before
        return self._events(_BY_SUBJECT if limit is None else _BY_SUBJECT_NEWEST, asked)

    def page(
        self,
        after: int,
        limit: int = PAGE_MAX,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
    ) -> list[Recorded[Any]]:
        asked: dict[str, Any] = {"after": after, "limit": min(limit, PAGE_MAX)}
        asked["upto"] = _POSITION_MAX if upto is None else upto
        if names is None:
            return self._events(_PAGE, asked)
        return self._events(_PAGE_OF_NAMES, asked | {"names": list(set(names))})

    def head(self) -> int:
        return self._with(_head)

    def wait(self, after: int, timeout: float) -> int:
        known = self._tail.wait(after, timeout)
        return known if known > after else self.head()

    def owners(self, claims: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
        keys = {claim: claim_digest(self._claim_key, *claim) for claim in claims}
        held = self._with(lambda conn: journal.owners(conn, list(keys.values())))
        return {claim: held[key] for claim, key in keys.items() if key in held}

    def outcomes(self, commands: Mapping[UUID, bytes]) -> dict[UUID, Appended]:
        known = self._with(lambda conn: journal.remembered(conn, commands))
        return {
            c: it.answer(fingerprint_digest(self._claim_key, commands[c]))
            for c, it in known.items()
        }

    def key_fingerprints(self, persons: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        return self.keys.fingerprints(persons)

    def keys_missing(self) -> str | None:
        return self.keys.check()

    def forget_keys(self) -> None:
        self.keys.forget()

    def checkpoint(self, name: str) -> dict[str, Any] | None:
        return self._with(lambda conn: journal.checkpoint(conn, name))

    def close(self) -> None:
        self.recorder.close()
        self._tail.close()
        self._datastore.close()

    def _events(self, statement: str, arguments: Any) -> list[Recorded[Any]]:
        def fetch(conn: Connection[Any]) -> list[Any]:
            with conn.cursor(row_factory=tuple_row, binary=True) as cursor:
                cursor.execute(statement.encode(), arguments, prepare=True)
                return cursor.fetchall()

        rows = self._with(fetch)
        self._tail.listen()  # open keys are kept only where it is heard that they have to go
        return self._reader.read(rows)

    def _with(self, read: Callable[[Connection[Any]], T]) -> T:
        """Reads, once more where the connection had been lost."""
        for pause in (*RETRY_SECONDS, None):
            try:
                with self._datastore.get_connection() as conn:
                    return read(conn)
            except (OperationalError, InterfaceError) as lost:
                if pause is None:
                    raise Unavailable(f"the database cannot be reached: {lost}") from lost
                self._datastore.pool.check()
                time.sleep(pause)
        raise AssertionError("unreachable")


def _head(conn: Connection[Any]) -> int:
    with conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("SELECT max(notification_id) FROM log.events").fetchone()
    return row[0] or 0 if row else 0

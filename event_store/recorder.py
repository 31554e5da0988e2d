"""The log behind the interface of the ``eventsourcing`` library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast
from uuid import UUID

import psycopg
from eventsourcing import postgres
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import Environment, EnvType
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from domain.kernel import new_id
from event_store.committer import Committer, Job
from event_store.journal import CHANNEL
from event_store.ledger import Fact, Staged
from event_store.schema import LOG, migrate
from event_store.store import Conflict, Envelope, Unavailable

LOCK_SECONDS_MAX = 10
"""How long a commit waits for those of other programs, and those for it when it hangs."""
RECORDER = "system:recorder"
"""The actor of events that come by the library's interface, which names none."""


class CrmRecorder(PostgresApplicationRecorder):
    """The library's recorder over ``log.events``. What it inserts goes through the committer,
    so its events and those of the event store share one dense order."""

    def __init__(
        self,
        datastore: PostgresDatastore,
        *,
        events_table_name: str = "events",
        committed: Callable[[int], None] = lambda _: None,
    ) -> None:
        datastore.schema = LOG
        super().__init__(datastore, events_table_name=events_table_name)
        self.channel_name = CHANNEL
        self.committer = Committer(self.connect, committed)

    @property
    def _parameters(self) -> dict[str, Any]:
        given = cast("dict[str, Any]", self.datastore.pool.kwargs)
        return {name: value for name, value in given.items() if name != "row_factory"}

    def connect(self) -> Connection:
        """A connection of one's own: the committer's and the listener's."""
        conn = psycopg.connect(**self._parameters, autocommit=True)
        conn.execute(f"SET lock_timeout = '{LOCK_SECONDS_MAX}s'".encode())
        conn.execute(f"SET idle_in_transaction_session_timeout = '{LOCK_SECONDS_MAX}s'".encode())
        return conn

    def create_table(self) -> None:
        migrate(make_conninfo(**self._parameters))

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Stores events under the versions they bring, which need only go up in a stream.

        Raises:
            IntegrityError: a version is taken.
            OperationalError: the database cannot be reached.
        """
        if not stored_events:
            return None
        try:
            (done,) = self.committer.submit(Job([_staged(stored_events)]))
        except Conflict as taken:
            raise IntegrityError(str(taken)) from taken
        except Unavailable as lost:
            raise OperationalError(str(lost)) from lost
        return list(range(done.position - len(stored_events) + 1, done.position + 1))

    def close(self) -> None:
        """Finishes the appends that were accepted."""
        self.committer.close()


def _staged(stored_events: Sequence[StoredEvent]) -> Staged:
    streams: dict[UUID, list[int]] = {}
    for it in stored_events:
        streams.setdefault(_uuid(it), []).append(it.originator_version)
    for stream, versions in streams.items():
        if any(b <= a for a, b in pairwise(versions)):
            raise IntegrityError(f"the versions of {stream} do not go up: {versions}")
    command_id = new_id()
    return Staged(
        Envelope(RECORDER, command_id, command_id),
        tuple(Fact(_uuid(e), e.originator_version, e.topic, e.state) for e in stored_events),
        tuple((stream, versions[0] - 1, versions[-1]) for stream, versions in streams.items()),
        gaps=True,
    )


def _uuid(it: StoredEvent) -> UUID:
    if not isinstance(it.originator_id, UUID):
        raise NotSupportedError("streams are UUIDs")
    return it.originator_id


class CrmFactory(postgres.PostgresFactory):
    """``PERSISTENCE_MODULE=event_store.recorder`` makes the library's applications use the log.
    (It looks for the one factory in the module; hence its own is not imported by name.)"""

    application_recorder_class = CrmRecorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        if self.datastore.enable_db_functions:
            raise OSError(f"{self.POSTGRES_ENABLE_DB_FUNCTIONS} loses events for those who follow")
        self.datastore.schema = LOG
        self._recorders: list[CrmRecorder] = []

    def application_recorder(self) -> ApplicationRecorder:
        recorder = CrmRecorder(self.datastore)
        if self.env_create_table():
            recorder.create_table()
        self._recorders.append(recorder)
        return recorder

    def process_recorder(self) -> ProcessRecorder:
        raise NotSupportedError("views keep their own checkpoints; follow the log instead")

    def close(self) -> None:
        for recorder in self._recorders:
            recorder.close()
        super().close()

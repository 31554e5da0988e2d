"""The log, passed on to a Kafka topic in its order, at least once, each event as a CloudEvent.

A topic cannot forget, so personal fields stay out of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from kafka import KafkaProducer
from kafka.errors import KafkaError

from domain.kernel import Recorded
from event_store.codec import encode_impersonal
from event_store.relay_progress import FIRST, LOCK, LeadershipLost, RelayProgress
from event_store.schema import app_dsn
from event_store.store import EventStore, Unavailable
from event_store.topics import CONNECTING, events_topic, make_topic

BATCH_MAX = 1_000
"""Events sent before the relay waits for the broker and stores how far it has come. No more than
these are ever in memory or on their way."""
DELIVERY_SECONDS_MAX = 60
"""How long the client tries to bring the brokers an event. Past it the relay begins again."""
REQUEST_SECONDS_MAX = 20
VERDICT_SECONDS = 30
"""How long past that the client may take to say that it has failed."""
CLOSE_SECONDS_MAX = 10
LEADER_POLL_SECONDS = 1.0
HOMES_MAX = 100_000
"""How many streams' keys are kept at hand."""

Header = tuple[str, bytes]

_log = logging.getLogger("crm.relay")


def headers_of(workspace: str, it: Recorded[Any]) -> list[Header]:
    """CloudEvents attributes in binary mode. No personal data: headers stay readable for ever."""
    attributes = {
        "specversion": "1.0",
        "id": f"{workspace}/{it.stream}/{it.version}",
        "source": f"crm/{workspace}",
        "type": it.event.__event__.topic,
        "time": it.occurred_at.isoformat(),
        "position": str(it.position),
    }
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    return [*headers, ("content-type", b"application/json")]


class Homes:
    """The key of each stream: the customer that its first event concerned, else the stream.

    It never changes, so that a stream keeps its order in the topic whomever it passes to later.
    """

    def __init__(self) -> None:
        self._homes: dict[UUID, UUID] = {}

    def look_up(self, conn: psycopg.Connection[Any], page: Sequence[Recorded[Any]]) -> None:
        """Gets to know the streams of a page."""
        if len(self._homes) > HOMES_MAX:
            self._homes.clear()
        for it in page:
            if it.version == FIRST:
                self._homes[it.stream] = _home(it.stream, it.subjects)
        unknown = list({it.stream for it in page} - self._homes.keys())
        if unknown:
            found = conn.execute(
                "SELECT originator_id, subjects FROM log.events"
                " WHERE originator_version = %s AND originator_id = ANY(%s)",
                [FIRST, unknown],
            )
            self._homes |= {stream: _home(stream, subjects) for stream, subjects in found}

    def key(self, stream: UUID) -> bytes:
        """The key of a stream's messages, once it was looked up."""
        return str(self._homes[stream]).encode()


def _home(stream: UUID, subjects: Sequence[UUID]) -> UUID:
    return subjects[0] if subjects else stream


class Relay:
    """Publishes one workspace's log. Of several, the one with the database lock does the work."""

    def __init__(self, store: EventStore, dsn: str, bootstrap_servers: str, workspace: str) -> None:
        self._store = store
        self._dsn = dsn
        self._servers = bootstrap_servers.split(",")
        self._workspace = workspace
        self._topic = events_topic(workspace)
        self._homes = Homes()

    def run(self, stop: threading.Event) -> None:
        """Publishes until told to stop. After any error it begins again, with a new producer,
        from what is known to be in the topic."""
        while not stop.is_set():
            try:
                with psycopg.connect(app_dsn(self._dsn), autocommit=True) as leader:
                    self._lead(stop, leader)
            except (psycopg.OperationalError, psycopg.InterfaceError, Unavailable) as lost:
                _log.warning("the database is lost, trying again: %s", lost)
                stop.wait(LEADER_POLL_SECONDS)

    def _lead(self, stop: threading.Event, leader: psycopg.Connection[Any]) -> None:
        while not stop.is_set() and not _leads(leader):
            stop.wait(LEADER_POLL_SECONDS)
        while not stop.is_set():
            try:
                make_topic(self._servers, self._topic)
                self._publish(stop, RelayProgress.claim(leader, self._topic), leader)
            except LeadershipLost:
                _log.info("another one has moved the position; beginning again from there")
            except KafkaError as error:
                _log.warning("the brokers failed, trying again: %s", error)
                stop.wait(LEADER_POLL_SECONDS)

    def _publish(
        self, stop: threading.Event, progress: RelayProgress, leader: psycopg.Connection[Any]
    ) -> None:
        # Said out loud, or other settings could switch idempotence off without an error.
        producer = KafkaProducer(
            bootstrap_servers=self._servers,
            **CONNECTING,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
            delivery_timeout_ms=DELIVERY_SECONDS_MAX * 1000,
            request_timeout_ms=REQUEST_SECONDS_MAX * 1000,
            allow_auto_create_topics=False,
        )
        try:
            while not stop.is_set():
                after = progress.check()
                page = self._store.page(after, BATCH_MAX)
                if page:
                    self._homes.look_up(leader, page)
                    self._send(producer, page)
                    progress.advance(page[-1].position)
                else:
                    self._store.wait(after, LEADER_POLL_SECONDS)
        finally:
            producer.close(timeout=CLOSE_SECONDS_MAX)

    def _send(self, producer: KafkaProducer, page: Sequence[Recorded[Any]]) -> None:
        """Sends a page and waits until the brokers have all of it.

        Raises:
            KafkaError: they do not. Nothing is on its way any more: what the client still had
                could come after what is sent anew.
        """
        sent = [
            producer.send(
                self._topic,
                key=self._homes.key(it.stream),
                value=encode_impersonal(it.event),
                headers=headers_of(self._workspace, it),
            )
            for it in page
        ]
        failed: KafkaError | None = None
        for future in sent:
            try:
                future.get(timeout=DELIVERY_SECONDS_MAX + VERDICT_SECONDS)
            except KafkaError as error:
                failed = error
        if failed:
            raise failed


def _leads(leader: psycopg.Connection[Any]) -> bool:
    row = leader.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])

"""The log, passed on to a Kafka topic in its order, at least once, each event as a CloudEvent.

A topic cannot forget, so personal fields stay out of it.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, TopicAlreadyExistsError

from domain.kernel import Recorded
from event_store.codec import encode_impersonal
from event_store.schema import app_dsn
from event_store.store import Checkpoint, EventStore

BATCH_MAX = 1_000
"""Events sent before the relay waits for the broker and stores how far it has come."""
SEND_SECONDS_MAX = 60
LEADER_POLL_SECONDS = 1.0
PARTITIONS = 12
"""Of a topic that the relay makes. A later change of it would break the order by key."""

_LEADER_LOCK = 7_203_461_925  # any number that no other lock of ours uses

Header = tuple[str, bytes]


def topic_of(workspace: str) -> str:
    """The topic that a workspace's events go to."""
    return f"crm.{workspace}.events"


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


class Relay:
    """Publishes one workspace's log. Of several, the one with the database lock does the work."""

    def __init__(self, store: EventStore, dsn: str, bootstrap_servers: str, workspace: str) -> None:
        self._store = store
        self._dsn = dsn
        self._servers = bootstrap_servers.split(",")
        self._workspace = workspace
        self._topic = topic_of(workspace)
        self._checkpoint = f"relay {self._topic}"

    def position(self) -> int:
        """How far the topic holds the log for certain."""
        saved = self._store.checkpoint(self._checkpoint)
        return int(saved["position"]) if saved else 0

    def run(self, stop: threading.Event) -> None:
        """Publishes until told to stop. After any error of the broker it starts again, with a
        new producer, from what is known to be there."""
        with psycopg.connect(app_dsn(self._dsn), autocommit=True) as leader:
            while not stop.is_set() and not self._leads(leader):
                stop.wait(LEADER_POLL_SECONDS)
            while not stop.is_set():
                try:
                    self._publish(stop, leader)
                except KafkaError:
                    stop.wait(LEADER_POLL_SECONDS)

    def _leads(self, leader: psycopg.Connection[Any]) -> bool:
        row = leader.execute("SELECT pg_try_advisory_lock(%s)", [_LEADER_LOCK]).fetchone()
        return bool(row and row[0])

    def _publish(self, stop: threading.Event, leader: psycopg.Connection[Any]) -> None:
        self._make_topic()
        # Said out loud, or other settings could switch idempotence off without an error.
        producer = KafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
        )
        try:
            after = self.position()
            while not stop.is_set():
                leader.execute("SELECT 1")  # whoever has lost the lock's connection must not send
                page = self._store.page(after, BATCH_MAX)
                if page:
                    after = self._send(producer, page)
                else:
                    self._store.wait(after, LEADER_POLL_SECONDS)
        finally:
            producer.close(timeout=SEND_SECONDS_MAX)

    def _send(self, producer: KafkaProducer, page: list[Recorded[Any]]) -> int:
        sent = [
            producer.send(
                self._topic,
                key=str(it.stream).encode(),
                value=encode_impersonal(it.event),
                headers=headers_of(self._workspace, it),
            )
            for it in page
        ]
        for future in sent:
            future.get(timeout=SEND_SECONDS_MAX)
        position = page[-1].position
        self._store.append_all([], Checkpoint(self._checkpoint, {"position": position}))
        return position

    def _make_topic(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self._servers)
        try:
            admin.create_topics(
                {self._topic: {"num_partitions": PARTITIONS}}, wait_for_metadata=True
            )
        except TopicAlreadyExistsError:
            pass
        finally:
            admin.close()

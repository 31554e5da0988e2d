"""The relay against a real broker: everything arrives, in order by key, also after a restart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from kafka import KafkaConsumer

from domain.kernel import new_id
from domain.opportunities import OpportunityLost, OpportunityRenamed
from event_store.postgres import PostgresEventStore
from event_store.relay import Relay, topic_of
from event_store.store import Entry, Envelope, EventStore, Write
from tests.kafka import NoBroker, kafka_broker

pytestmark = pytest.mark.kafka

EVENTS = 400


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    try:
        with kafka_broker() as address:
            yield address
    except NoBroker as why:
        pytest.skip(str(why))


@contextmanager
def running(relay: Relay) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def write(store: EventStore, streams: list[UUID], n: int, base: int = 0) -> None:
    for i in range(n):
        stream = streams[i % len(streams)]
        version = base + i // len(streams)
        envelope = Envelope("tester", new_id(), new_id())
        store.append(Entry(envelope, (Write(stream, version, (OpportunityRenamed(name=f"{i}"),)),)))


def read(broker: str, workspace: str, n: int) -> list[tuple[str, int]]:
    """The first n messages as (stream, version)."""
    consumer = KafkaConsumer(
        topic_of(workspace),
        bootstrap_servers=broker,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=15_000,
    )
    got = []
    for message in consumer:
        headers = dict(message.headers)
        _, stream, version = headers["ce_id"].decode().split("/")
        assert message.key.decode() == stream
        got.append((stream, int(version)))
        if len(got) == n:
            break
    consumer.close()
    return got


def test_every_event_arrives_in_order_also_after_a_restart(
    broker: str, store: PostgresEventStore, database: str
) -> None:
    streams = [new_id() for _ in range(7)]
    workspace = f"w{new_id().hex}"
    write(store, streams, EVENTS)
    relay = Relay(store, database, broker, workspace)
    with running(relay):
        assert len(read(broker, workspace, EVENTS)) == EVENTS
    late = new_id()
    write(store, [late], 5)

    # Two at once: one leads, the other waits for its turn.
    with running(Relay(store, database, broker, workspace)), running(relay):
        got = read(broker, workspace, EVENTS + 5)

    assert len(got) == len(set(got)) == EVENTS + 5
    for stream in [*streams, late]:
        versions = [version for key, version in got if key == str(stream)]
        assert versions == sorted(versions)


def test_a_topic_never_holds_personal_fields(
    broker: str, store: PostgresEventStore, database: str
) -> None:
    workspace = f"w{new_id().hex}"
    fact = OpportunityLost(lost_reason="price", note="Ada was cross")
    store.append(Entry(Envelope("tester", new_id(), new_id()), (Write(new_id(), 0, (fact,)),)))
    with running(Relay(store, database, broker, workspace)):
        consumer = KafkaConsumer(
            topic_of(workspace),
            bootstrap_servers=broker,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            consumer_timeout_ms=15_000,
        )
        message = next(consumer)
        consumer.close()
    assert message.value == b'{"lost_reason":"price"}'

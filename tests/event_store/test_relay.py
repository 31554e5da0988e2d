"""The relay against a real broker: everything arrives, in order by key, also after a restart."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition

from domain.kernel import new_id
from domain.opportunities import OpportunityLost, OpportunityRenamed
from event_store import relay as relay_room
from event_store.postgres import PostgresEventStore
from event_store.relay import Relay
from event_store.relay_progress import LOCK, LeadershipLost, RelayProgress, relay_lag, replay_from
from event_store.schema import app_dsn
from event_store.store import Entry, Envelope, EventStore, Write
from event_store.topics import events_topic
from tests.kafka import Broker, NoBroker, kafka_broker, own_broker

pytestmark = [
    pytest.mark.kafka,
    # Kafka's client leaves sockets to the collector when a broker is gone.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

EVENTS = 400
SECONDS_MAX = 90


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


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def passed_on(store: EventStore, workspace: str) -> bool:
    lag = relay_lag(store, events_topic(workspace))
    return lag is not None and lag.events == 0


def write(store: EventStore, streams: list[UUID], n: int, base: int = 0) -> None:
    for i in range(n):
        stream = streams[i % len(streams)]
        version = base + i // len(streams)
        envelope = Envelope("tester", new_id(), new_id())
        store.append(Entry(envelope, (Write(stream, version, (OpportunityRenamed(name=f"{i}"),)),)))


def read(broker: str, workspace: str, n: int) -> list[tuple[str, int]]:
    """The first n messages as (stream, version)."""
    got = []
    for message in consumed(broker, workspace, n):
        _, stream, version = dict(message.headers)["ce_id"].decode().split("/")
        got.append((stream, int(version)))
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
            events_topic(workspace),
            bootstrap_servers=broker,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            consumer_timeout_ms=15_000,
        )
        message = next(consumer)
        consumer.close()
    assert message.value == b'{"lost_reason":"price"}'


def test_a_replay_brings_the_log_again_from_a_position(
    broker: str, store: PostgresEventStore, database: str
) -> None:
    workspace, stream = f"w{new_id().hex}", new_id()
    write(store, [stream], 5)
    with running(Relay(store, database, broker, workspace)):
        until(lambda: passed_on(store, workspace))
        with psycopg.connect(app_dsn(database), autocommit=True) as conn:
            replay_from(conn, events_topic(workspace), 4)
        got = read(broker, workspace, 7)
    assert [version for _, version in got] == [1, 2, 3, 4, 5, 4, 5]


def test_a_stream_keeps_the_key_of_the_customer_it_began_with(
    broker: str, store: PostgresEventStore, database: str
) -> None:
    workspace, stream, lone = f"w{new_id().hex}", new_id(), new_id()
    first, second = new_id(), new_id()
    for version, subjects in enumerate([(first,), (first, second), (second,)]):
        write_about(store, stream, version, subjects)
    write_about(store, lone, 0, ())
    with running(Relay(store, database, broker, workspace)):
        until(lambda: passed_on(store, workspace))
    write_about(store, stream, 3, (second,))
    with running(Relay(store, database, broker, workspace)):  # one that has not seen the beginning
        messages = consumed(broker, workspace, 5)
    keys = {m.key.decode() for m in messages if str(stream) in dict(m.headers)["ce_id"].decode()}
    assert keys == {str(first)}
    assert [m.key.decode() for m in messages].count(str(lone)) == 1


def test_one_who_lost_the_lead_cannot_move_the_position(
    broker: str, store: PostgresEventStore, database: str
) -> None:
    workspace = f"w{new_id().hex}"
    write(store, [new_id()], 3)
    with psycopg.connect(app_dsn(database), autocommit=True) as conn:
        old = RelayProgress.claim(conn, events_topic(workspace))
        with running(Relay(store, database, broker, workspace)):
            until(lambda: passed_on(store, workspace))
        with pytest.raises(LeadershipLost):
            old.advance(1)
        with pytest.raises(LeadershipLost):
            old.check()
    assert passed_on(store, workspace)


def test_a_leader_whose_connection_is_cut_gives_way_and_nothing_is_lost(
    broker: str, store: PostgresEventStore, database: str
) -> None:
    workspace, stream = f"w{new_id().hex}", new_id()
    one, two = (Relay(store, database, broker, workspace) for _ in range(2))
    with running(one), running(two), psycopg.connect(database, autocommit=True) as conn:
        for cut in range(4):
            write(store, [stream], 50, base=cut * 50)
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND objid = %s AND granted AND pid <> pg_backend_pid()",
                [LOCK & 0xFFFFFFFF],
            )
        until(lambda: passed_on(store, workspace))
    assert first_seen(consumed_all(broker, workspace)) == list(range(1, 201))


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    client = logging.getLogger("kafka")
    client.setLevel(logging.CRITICAL)  # its records would hold the sockets until the very end
    yield
    client.setLevel(logging.NOTSET)
    gc.collect()


@pytest.fixture(scope="module")
def mortal() -> Iterator[Broker]:
    """A broker that is killed."""
    try:
        with own_broker() as broker:
            yield broker
    except NoBroker as why:
        pytest.skip(str(why))


def test_a_broker_that_dies_and_comes_back_loses_nothing(
    mortal: Broker, store: PostgresEventStore, database: str
) -> None:
    workspace, stream = f"w{new_id().hex}", new_id()
    write(store, [stream], 50)
    with running(Relay(store, database, mortal.address, workspace)):
        until(lambda: passed_on(store, workspace))
        mortal.kill()
        write(store, [stream], 50, base=50)
        mortal.start()
        until(lambda: passed_on(store, workspace))
    assert first_seen(consumed_all(mortal.address, workspace)) == list(range(1, 101))


def test_an_outage_longer_than_the_client_tries_leaves_no_gap(
    mortal: Broker, store: PostgresEventStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_room, "DELIVERY_SECONDS_MAX", 2)
    monkeypatch.setattr(relay_room, "REQUEST_SECONDS_MAX", 1)
    workspace, stream = f"w{new_id().hex}", new_id()
    write(store, [stream], 50)
    failures = Failures()
    logging.getLogger("crm.relay").addHandler(failures)
    with running(Relay(store, database, mortal.address, workspace)):
        until(lambda: passed_on(store, workspace))
        mortal.kill()
        write(store, [stream], 50, base=50)
        until(lambda: failures.count > 0)
        assert not passed_on(store, workspace)
        mortal.start()
        until(lambda: passed_on(store, workspace))
    logging.getLogger("crm.relay").removeHandler(failures)
    assert first_seen(consumed_all(mortal.address, workspace)) == list(range(1, 101))


class Failures(logging.Handler):
    """Counts what the relay complains of."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def write_about(store: EventStore, stream: UUID, version: int, subjects: tuple[UUID, ...]) -> None:
    fact = OpportunityRenamed(name=str(version))
    envelope = Envelope("tester", new_id(), new_id())
    store.append(Entry(envelope, (Write(stream, version, (fact,), subjects),)))


def first_seen(messages: list[Any]) -> list[int]:
    """Versions in the order in which each of them came for the first time."""
    versions = [int(dict(m.headers)["ce_id"].decode().rpartition("/")[2]) for m in messages]
    return list(dict.fromkeys(versions))


def consumed(broker: str, workspace: str, n: int) -> list[Any]:
    """The first n messages."""
    consumer = KafkaConsumer(
        events_topic(workspace),
        bootstrap_servers=broker,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=15_000,
    )
    messages = list(islice(consumer, n))
    consumer.close()
    return messages


def consumed_all(broker: str, workspace: str) -> list[Any]:
    """Everything in the topic now."""
    consumer = KafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False)
    topic = events_topic(workspace)
    partitions = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
    total = sum(consumer.end_offsets(partitions).values())
    consumer.close()
    return consumed(broker, workspace, total)

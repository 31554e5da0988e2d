"""How fast the log goes out to a topic, and commands come in from one, over a real broker."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

from kafka import KafkaProducer

from api.inbound import Inbound
from commands.bus import Bus
from commands.desk import Actor
from domain.kernel import new_id
from event_store.codec import encode_impersonal
from event_store.dead_letters import DeadLetters
from event_store.postgres import PostgresEventStore
from event_store.relay import Relay, headers_of
from event_store.relay_progress import relay_lag
from event_store.store import PAGE_MAX
from event_store.topics import events_topic, inbound_topic, make_topic
from tests.benchmarks import append
from tests.benchmarks.measure import Measure, fresh_database
from tests.kafka import NoBroker, kafka_broker

EVENTS = 20_000
COMMANDS = 5_000
KEYS = 200
RELAY_MIN = 0.5
"""The part of the client's own rate that the relay is promised to have at least."""
INBOUND_MIN = 0.5
"""The part of the rate of group commit that inbound is promised to have at least."""
STOP_SECONDS_MAX = 60.0


def run() -> list[Measure]:
    """The figures; none on a machine without a broker."""
    try:
        with kafka_broker() as broker, fresh_database() as dsn, append._store(dsn) as store:
            return _measures(broker, dsn, store)
    except NoBroker:
        return []


def _measures(broker: str, dsn: str, store: PostgresEventStore) -> list[Measure]:
    store.append_all([append._entry() for _ in range(EVENTS)])
    client = _client(broker, store)
    relay = _relay(broker, dsn, store)
    group = append._concurrent(append._one(store))
    inbound = _inbound(broker, dsn, store)
    return [
        Measure("relay.client", client, "events/s"),
        Measure("relay.out", relay, "events/s", relay / client, RELAY_MIN),
        Measure("relay.group_commit", group, "events/s"),
        Measure("relay.inbound", inbound, "commands/s", inbound / group, INBOUND_MIN),
    ]


def _client(broker: str, store: PostgresEventStore) -> float:
    """What the client brings by itself, with the same payloads."""
    make_topic([broker], events_topic("client"))
    page = store.page(0, PAGE_MAX)
    messages = [
        (str(it.stream).encode(), encode_impersonal(it.event), headers_of("client", it))
        for it in page
    ]
    producer = KafkaProducer(bootstrap_servers=broker, acks="all", linger_ms=5)
    producer.partitions_for(events_topic("client"))
    since = perf_counter()
    for _ in range(EVENTS // len(messages)):
        for key, value, headers in messages:
            producer.send(events_topic("client"), key=key, value=value, headers=headers)
    producer.flush()
    rate = EVENTS // len(messages) * len(messages) / (perf_counter() - since)
    producer.close()
    return rate


def _relay(broker: str, dsn: str, store: PostgresEventStore) -> float:
    def position() -> int:
        lag = relay_lag(store, events_topic("relay"))
        return lag.position if lag else 0

    with _running(Relay(store, dsn, broker, "relay").run):
        return _rate(position, EVENTS)


def _inbound(broker: str, dsn: str, store: PostgresEventStore) -> float:
    make_topic([broker], inbound_topic("bench"))
    producer = KafkaProducer(bootstrap_servers=broker, acks="all", linger_ms=5)
    for n in range(COMMANDS):
        said = {"command": "open-account", "account": str(new_id()), "name": f"Account {n}"}
        key = b"%d" % (n % KEYS)
        producer.send(inbound_topic("bench"), value=json.dumps(said).encode(), key=key)
    producer.flush()
    producer.close()
    letters = DeadLetters(dsn, secret=bytes(32))
    first = store.head()
    with _running(Inbound(Bus(store), letters, broker, "bench", Actor("bench")).run):
        rate = _rate(lambda: store.head() - first, COMMANDS)
    letters.close()
    return rate


def _rate(done: Callable[[], int], goal: int) -> float:
    """How fast something counts up to a goal, from its first sign of life on."""
    deadline = perf_counter() + STOP_SECONDS_MAX
    while not (first := done()) and perf_counter() < deadline:
        sleep(0.002)
    since = perf_counter()
    while (reached := done()) < goal and perf_counter() < deadline:
        sleep(0.01)
    return (reached - first) / (perf_counter() - since)


@contextmanager
def _running(work: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=work, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()

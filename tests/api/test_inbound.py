"""Inbound over a real broker: one effect for each message, whatever happens to the processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from api.inbound import Inbound
from api.messages import MESSAGE_BYTES_MAX
from api.settings import variables
from commands.bus import Bus
from commands.desk import Actor
from domain.kernel import new_id
from event_store.dead_letters import DeadLetters
from event_store.keks import GivenKeks
from event_store.postgres import PostgresEventStore
from event_store.store import Unavailable
from event_store.topics import inbound_group, inbound_topic, make_topic
from tests.api.letters import account, call, calls, opened
from tests.conftest import CLAIM_KEY
from tests.kafka import NoBroker, kafka_broker

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 90
MESSAGES = 600
KEK = "1:" + "5a" * 32


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    try:
        with kafka_broker() as address:
            yield address
    except NoBroker as why:
        pytest.skip(str(why))


@pytest.fixture
def workspace() -> str:
    return f"w{new_id().hex}"[:40]


@pytest.fixture
def store(database: str, workspace: str) -> Iterator[PostgresEventStore]:
    """The log as the processes of the workspace open it."""
    keks = GivenKeks(KEK)
    store = PostgresEventStore(database, claim_key=CLAIM_KEY, keks=keks, workspace=workspace)
    yield store
    store.close()


@pytest.fixture
def letters(database: str) -> Iterator[DeadLetters]:
    letters = DeadLetters(database, secret=CLAIM_KEY)
    yield letters
    letters.close()


Send = Callable[..., None]


@pytest.fixture
def send(broker: str, workspace: str) -> Iterator[Send]:
    """Sends messages to the workspace's topic, and waits until the broker has them."""
    topic = inbound_topic(workspace)
    make_topic([broker], topic)
    producer = KafkaProducer(
        bootstrap_servers=broker, max_request_size=3 * MESSAGE_BYTES_MAX, linger_ms=5
    )

    def sent(*messages: object, key: bytes | None = None, **headers: str) -> None:
        named = [(name, text.encode()) for name, text in headers.items()]
        for said in messages:
            value = said if isinstance(said, bytes) else json.dumps(said).encode()
            producer.send(topic, value=value, key=key, headers=named)
        producer.flush()

    yield sent
    producer.close()


@contextmanager
def receiving(bus: Bus, letters: DeadLetters, broker: str, workspace: str) -> Iterator[None]:
    stop = threading.Event()
    inbound = Inbound(bus, letters, broker, workspace, Actor("the shop"))
    thread = threading.Thread(target=inbound.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def environment(database: str, broker: str, workspace: str, folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in variables()}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP_SERVERS": broker,
        "CRM_WORKSPACE": workspace,
        "CRM_DATA": str(folder),
        "CRM_CLAIM_KEY": CLAIM_KEY.hex(),
        "CRM_KEK": KEK,
    }


@contextmanager
def process(variables: dict[str, str], *program: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own; whatever a test does, it is gone afterwards."""
    arguments = program or ("-m", "api.cli", "serve", "--role", "inbound")
    with subprocess.Popen([sys.executable, *arguments], env=variables) as running:
        try:
            yield running
        finally:
            running.kill()


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def committed(broker: str, workspace: str) -> int:
    """How many messages the group has behind it."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        groups = admin.list_group_offsets([inbound_group(workspace)])
    except KafkaError:
        return 0  # the broker is making the place where groups are kept
    finally:
        admin.close()
    offsets: dict[Any, Any] = next(iter(groups.values()), {})
    return sum(max(it.offset, 0) for it in offsets.values())


def test_each_message_has_one_effect_also_when_it_is_sent_twice(
    broker: str, workspace: str, send: Send, store: PostgresEventStore, letters: DeadLetters
) -> None:
    accounts = [account(str(n)) for n in range(50)]
    for n, it in enumerate(accounts * 2):
        send(it, key=b"k%d" % (n % 7), ce_id=str(n % 50), ce_source="shop")
    with receiving(Bus(store), letters, broker, workspace):
        until(lambda: committed(broker, workspace) == 100)
    assert sorted(map(str, opened(store))) == sorted(it["account"] for it in accounts)
    first = store.page(0)[0]
    assert first.actor == "the shop"
    assert (first.source or "").startswith(f"kafka {inbound_topic(workspace)}/")
    assert letters.listed() == []


_DIES = """
import os, signal
import api.inbound
api.inbound._commit = lambda _: os.kill(os.getpid(), signal.SIGKILL)
from api.cli import main
main(["serve", "--role", "inbound"])
"""
"""A process that is killed between the effect and the commit."""


def test_a_process_that_is_killed_before_the_commit_doubles_nothing(
    broker: str,
    workspace: str,
    send: Send,
    store: PostgresEventStore,
    database: str,
    letters: DeadLetters,
    tmp_path: Path,
) -> None:
    late = new_id()
    send(*(account(str(n)) for n in range(20)), key=b"a")
    send(call(late, "first"), account(), key=b"b")
    with process(environment(database, broker, workspace, tmp_path), "-c", _DIES) as dying:
        assert dying.wait(SECONDS_MAX) == -signal.SIGKILL
    assert committed(broker, workspace) == 0
    effects = len(opened(store))
    assert effects > 0
    with receiving(Bus(store), letters, broker, workspace):
        until(lambda: committed(broker, workspace) == 22)
    assert len(opened(store)) == 20
    assert [it.state for it in letters.listed()] == ["refused", "waiting"]


def test_two_processes_share_the_partitions_and_survive_each_other(
    broker: str,
    workspace: str,
    send: Send,
    store: PostgresEventStore,
    database: str,
    tmp_path: Path,
) -> None:
    surroundings = environment(database, broker, workspace, tmp_path)
    keys = [b"k%d" % n for n in range(24)]
    late = account("the one that all calls concern")
    send(late)
    with process(surroundings) as one, process(surroundings) as two:
        until(lambda: members(broker, workspace) == 2 and opened(store))
        for n in range(MESSAGES // 2):
            send(call(late["account"], str(n)), key=keys[n % len(keys)])
        one.kill()
        for n in range(MESSAGES // 2, MESSAGES):
            send(call(late["account"], str(n)), key=keys[n % len(keys)])
        until(lambda: len(calls(store)) >= MESSAGES)
        two.send_signal(signal.SIGTERM)
        assert two.wait(SECONDS_MAX) == 0
    told = [int(subject) for subject in calls(store)]
    assert sorted(told) == list(range(MESSAGES))
    for key in range(len(keys)):
        of_key = [n for n in told if n % len(keys) == key]
        assert of_key == sorted(of_key)


def members(broker: str, workspace: str) -> int:
    """How many processes share the work."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    group = admin.describe_groups([inbound_group(workspace)])[inbound_group(workspace)]
    admin.close()
    shares = [it["member_assignment"] for it in group["members"]]
    return sum(1 for it in shares if it and it["assigned_partitions"])


def test_a_poison_message_parks_its_key_while_others_flow(
    broker: str,
    workspace: str,
    send: Send,
    store: PostgresEventStore,
    database: str,
    letters: DeadLetters,
    tmp_path: Path,
) -> None:
    set_limit(broker, inbound_topic(workspace), 3 * MESSAGE_BYTES_MAX)
    late = new_id()
    send(b"{", account(), key=b"bad JSON")
    send({"command": "open-sesame"}, key=b"unknown")
    send(account(name="x" * (MESSAGE_BYTES_MAX + 1)), key=b"large")
    send(account(employees="many"), key=b"wrong")
    send(call(late, "1"), call(late, "2"), key=b"late")
    send(*(account() for _ in range(10)), key=b"good")
    with receiving(Bus(store), letters, broker, workspace):
        until(lambda: committed(broker, workspace) == 17)
    assert len(opened(store)) == 10
    found = {it.message.key: (it.why.code, it.why.field) for it in letters.listed() if it.why}
    assert found == {
        b"bad JSON": ("Unreadable", None),
        b"unknown": ("Invalid", "command"),
        b"large": ("TooLarge", None),
        b"wrong": ("Invalid", "employees"),
        b"late": ("NoSuchRecord", "account"),
    }

    def crm(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments],
            env=environment(database, broker, workspace, tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    listed = json.loads(crm("dead-letters", "list", "--format", "json"))
    by_key = {it["key"]: str(it["id"]) for it in listed if it["state"] == "refused"}
    assert "NoSuchRecord" in crm("dead-letters", "show", by_key["late"])
    assert "refused" in crm("dead-letters", "retry", by_key["late"], code=1)
    crm("do", "open-account", f"account={late}", "name=Late")
    assert crm("dead-letters", "retry", by_key["late"]).count("done") == 2
    assert calls(store) == ["1", "2"]
    assert "done" in crm("dead-letters", "drop", by_key["bad JSON"], "--reason", "no JSON")
    assert len(letters.listed()) == 3


def set_limit(broker: str, topic: str, size: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker)
    limit = {"max.message.bytes": str(size)}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, limit)])
    admin.close()


def test_a_failure_that_passes_is_waited_for_and_the_group_keeps_its_member(
    broker: str, workspace: str, send: Send, store: PostgresEventStore, letters: DeadLetters
) -> None:
    class Failing(Bus):
        left = 4

        def dispatch_all(self, *asks: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left >= 0:
                raise Unavailable("not now")
            return super().dispatch_all(*asks, **more)

    send(*(account() for _ in range(5)), key=b"a")
    with receiving(Failing(store), letters, broker, workspace):
        until(lambda: committed(broker, workspace) == 5)
        assert members(broker, workspace) == 1
    assert len(opened(store)) == 5
    assert letters.listed() == []

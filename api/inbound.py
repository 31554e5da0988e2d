"""Commands from a Kafka topic: each message has one effect, in the order of its key.

The effect is stored before the offset is committed, under an id that follows from the message.
So a message that is delivered again, after a kill or a rebalance, finds itself done.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from kafka import KafkaConsumer
from kafka.errors import CommitFailedError, KafkaError

from api.messages import PASSING, read, try_alone, why
from commands.bus import Behind, Bus
from commands.desk import Actor, Ask, Outcome
from event_store.dead_letters import DeadLetters, Message, Why
from event_store.topics import CONNECTING, inbound_group, inbound_topic, make_topic

BATCH_MAX = 500
"""Messages that share a transaction."""
POLL_MS = 500
SESSION_MS_MAX = 10_000
"""After this long without a sign of life a member's partitions go to the others."""
COMMIT_MS_MAX = 10_000
CLOSE_MS_MAX = 5_000
BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""The pauses after failures that pass by themselves; the last one stays."""
RESTART_SECONDS = 1.0
_BACK_OFF_POLL_MS = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("crm.inbound")

Polled = dict[Any, list[Any]]
"""Records of the client, by partition."""
Lane = tuple[str, bytes]
"""A topic and a key: what keeps its order."""


class Inbound:
    """Carries out one workspace's messages. Several of them share the topic's partitions."""

    def __init__(
        self, bus: Bus, letters: DeadLetters, servers: str, workspace: str, actor: Actor
    ) -> None:
        self._bus, self._letters, self._actor = bus, letters, actor
        self._servers = servers.split(",")
        self._topic, self._group = inbound_topic(workspace), inbound_group(workspace)

    def run(self, stop: threading.Event) -> None:
        """Carries out messages until told to stop. After an error of the brokers it begins
        again from what is committed."""
        while not stop.is_set():
            try:
                self._consume(stop)
            except KafkaError as error:
                _log.warning("the brokers failed, trying again: %s", error)
                stop.wait(RESTART_SECONDS)

    def _consume(self, stop: threading.Event) -> None:
        make_topic(self._servers, self._topic)
        consumer = KafkaConsumer(
            self._topic,
            bootstrap_servers=self._servers,
            **CONNECTING,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_poll_records=BATCH_MAX,
            session_timeout_ms=SESSION_MS_MAX,
        )
        try:
            failures = 0
            while not stop.is_set():
                polled = consumer.poll(timeout_ms=POLL_MS)
                if not polled:
                    continue
                try:
                    self.carry_out([_message(it) for them in polled.values() for it in them])
                except PASSING as busy:
                    _log.warning("messages wait: %s", busy)
                    _rewind(consumer, polled)
                    _back_off(consumer, stop, failures)
                    failures += 1
                else:
                    failures = 0
                    _commit(consumer)
        finally:
            consumer.close(autocommit=False, timeout_ms=CLOSE_MS_MAX)

    def carry_out(self, messages: Sequence[Message]) -> None:
        """Carries messages out, and keeps those that cannot be, with those behind them.

        Raises: ``PASSING``, and then all of them have to be brought again.
        """
        letters: list[tuple[Message, Why | None]] = []
        stopped: set[Lane | None] = set()
        for chunk in _chunks(self._read(it) for it in self._letters.hold(messages)):
            letters += self._carry_out_together(chunk, stopped)
        self._letters.keep(letters)

    def _read(self, message: Message) -> _Read:
        ask = read(message, self._actor)
        return _Read(message, why=ask) if isinstance(ask, Why) else _Read(message, ask)

    def _carry_out_together(
        self, chunk: list[_Read], stopped: set[Lane | None]
    ) -> list[tuple[Message, Why | None]]:
        """One transaction's messages. Returns those that were not carried out."""
        for it in chunk:
            it.waits = it.lane in stopped
            if it.why and it.lane:
                stopped.add(it.lane)
        free = [it for it in chunk if it.ask and not it.waits]
        for it, error in zip(free, self._errors(free), strict=True):
            it.waits = isinstance(error, Behind)
            it.why = why(error) if error and not it.waits else None
            if error and it.lane:
                stopped.add(it.lane)
        return [(it.message, None if it.waits else it.why) for it in chunk if it.waits or it.why]

    def _errors(self, free: list[_Read]) -> list[Exception | None]:
        asks = [it.ask for it in free if it.ask]
        try:
            done = self._bus.dispatch_all(asks, lanes=[it.lane for it in free])
        except PASSING:
            raise
        except Exception:  # noqa: BLE001  # one of them spoils the transaction: each gets its own
            return list(self._errors_one_by_one(free))
        for it in done:
            if isinstance(it, PASSING):
                raise it
        return [None if isinstance(it, Outcome) else it for it in done]

    def _errors_one_by_one(self, free: list[_Read]) -> Iterator[Exception | None]:
        stopped: set[Lane | None] = set()
        for it in free:
            if it.lane in stopped or it.ask is None:
                yield Behind()
                continue
            error = try_alone(self._bus, it.ask)
            if error and it.lane:
                stopped.add(it.lane)
            yield error


@dataclass(slots=True)
class _Read:
    """A message on its way: what it asks, or why it cannot be carried out, or that it waits."""

    message: Message
    ask: Ask | None = None
    why: Why | None = None
    waits: bool = False

    @property
    def lane(self) -> Lane | None:
        return None if self.message.key is None else (self.message.topic, self.message.key)


def _chunks(read: Iterable[_Read]) -> Iterator[list[_Read]]:
    """Messages that can share a transaction: an id that comes again begins the next one."""
    chunk: list[_Read] = []
    ids: set[UUID] = set()
    for it in read:
        if it.ask and it.ask.command_id in ids:
            yield chunk
            chunk, ids = [], set()
        if it.ask:
            ids.add(it.ask.command_id)
        chunk.append(it)
    if chunk:
        yield chunk


def _message(record: Any) -> Message:
    return Message(
        record.topic,
        record.partition,
        record.offset,
        _EPOCH + timedelta(milliseconds=max(record.timestamp or 0, 0)),
        record.key,
        record.value,
        tuple((name, value or b"") for name, value in record.headers),
    )


def _commit(consumer: Any) -> None:
    try:
        consumer.commit(timeout_ms=COMMIT_MS_MAX)
    except CommitFailedError:
        # The partitions have gone to another member, who will find the messages done.
        _log.info("the group was divided anew before the offsets were committed")


def _rewind(consumer: Any, polled: Polled) -> None:
    """Lets what was taken be taken again."""
    mine = consumer.assignment()
    for partition, records in polled.items():
        if partition in mine:
            consumer.seek(partition, records[0].offset)


def _back_off(consumer: Any, stop: threading.Event, failures: int) -> None:
    """Waits, and goes on polling without taking anything: whoever does not poll is put out of
    the group, and the others would meet the same failure."""
    seconds = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
    end = time.monotonic() + seconds
    while not stop.is_set() and time.monotonic() < end:
        consumer.pause(*consumer.assignment())  # also what a rebalance has brought meanwhile
        _rewind(consumer, consumer.poll(timeout_ms=_BACK_OFF_POLL_MS))
    consumer.resume(*consumer.paused())

"""Group commit: concurrent appends share one transaction, one lock and one flush to disk."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread

import psycopg
from psycopg import Connection

from event_store.journal import is_stored, look_up, write
from event_store.keys import PersonErased
from event_store.ledger import Ledger, Staged
from event_store.store import (
    Appended,
    Checkpoint,
    ClaimTaken,
    Conflict,
    KeyReused,
    TooBusy,
    Unavailable,
)

QUEUE_MAX = 2_000
"""How many appends may wait; one more is told that it is too busy."""
BATCH_EVENTS_MAX = 2_000
"""The most events that commands of one transaction bring; a bulk append is one by itself."""
GATHER_SECONDS = 0.0005
"""How long a commit waits for those who were answered last: they are likely to ask again at
once, and then share it. Without that, half of the callers wait while the others commit."""
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0)
"""The pauses after which a batch is tried again when the database cannot be reached."""
ANSWER_SECONDS_MAX = 60.0
BULK_ANSWER_SECONDS_MAX = 600.0
"""How long a caller waits for a commit."""

logger = logging.getLogger(__name__)

LOST = (psycopg.OperationalError, psycopg.InterfaceError)
"""What a connection fails with when it, the server or the lock is lost."""
REFUSALS = (Conflict, ClaimTaken, KeyReused, PersonErased)


@dataclass(slots=True)
class Job:
    """Entries that are stored together or not at all, and where the answer goes."""

    entries: Sequence[Staged]
    checkpoint: Checkpoint | None = None
    bulk: bool = False
    answer: Future[list[Appended]] = field(default_factory=Future)

    @property
    def size(self) -> int:
        return sum(len(staged.facts) for staged in self.entries)


@dataclass(slots=True)
class _Sent:
    """A batch whose COMMIT went out: what each caller is told if it was stored."""

    ledger: Ledger
    answers: list[list[Appended] | Exception]
    """One for each job of the batch."""


class Committer:
    """Appends for one store. Its thread starts with the first append.

    ``connect`` opens a connection of its own; ``committed`` hears of each new head.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        committed: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._committed = committed
        self._conn: Connection | None = None
        self._waiting: deque[Job] = deque()
        self._more = Condition()
        self._regulars = 0
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, job: Job) -> list[Appended]:
        """Waits until the job is stored.

        Raises:
            Conflict, ClaimTaken, KeyReused, PersonErased: an entry was refused, and nothing of
                the job stored.
            TooBusy: the queue is full.
            Unavailable: the database cannot be reached.
        """
        with self._more:
            if self._closed:
                raise Unavailable("the log is closed")
            if len(self._waiting) >= QUEUE_MAX:
                raise TooBusy
            if self._thread is None:
                self._thread = Thread(target=self._run, name="committer", daemon=True)
                self._thread.start()
            self._waiting.append(job)
            self._more.notify()
        try:
            return job.answer.result(BULK_ANSWER_SECONDS_MAX if job.bulk else ANSWER_SECONDS_MAX)
        except TimeoutError:
            raise Unavailable(
                "the database does not answer; the command may yet be stored"
            ) from None

    @property
    def waiting(self) -> int:
        """How many appends wait for their turn."""
        return len(self._waiting)

    def close(self) -> None:
        """Finishes what was accepted, then ends the thread and the connection."""
        with self._more:
            self._closed = True
            self._more.notify()
        if self._thread is not None:
            self._thread.join()
        self._disconnect()

    def _run(self) -> None:
        while batch := self._take():
            self._store(batch)
            self._regulars = len(batch) + len(self._waiting)

    def _take(self) -> list[Job]:
        """The jobs of the next transaction; none when there will be no more."""
        with self._more:
            self._more.wait_for(lambda: self._waiting or self._closed)
            self._more.wait_for(self._has_gathered, GATHER_SECONDS)
            batch: list[Job] = []
            size = 0
            while self._waiting:
                job = self._waiting[0]
                if batch and (job.bulk or batch[0].bulk or size + job.size > BATCH_EVENTS_MAX):
                    break
                batch.append(self._waiting.popleft())
                size += job.size
            return batch

    def _has_gathered(self) -> bool:
        return len(self._waiting) >= self._regulars or self._closed

    def _store(self, batch: list[Job]) -> None:
        """Stores a batch and answers its callers; never raises."""
        sent: list[_Sent] = []
        for pause in (*RETRY_SECONDS, None):
            try:
                outcome = self._transact(batch, sent)
            except LOST as lost:
                self._disconnect()
                if pause is None:
                    for job in batch:
                        job.answer.set_exception(_unavailable(lost, sent))
                    return
                logger.warning("a commit failed and is tried again: %s", _first_line(lost))
                time.sleep(pause)
            except Exception as broken:  # noqa: BLE001  # whatever it is, the callers hear of it
                self._disconnect()
                self._store_apart(batch, broken)
                return
            else:
                self._answer(batch, outcome)
                return

    def _store_apart(self, batch: list[Job], broken: Exception) -> None:
        """One of the batch cannot be stored, such as a text with a zero byte: the others can."""
        if len(batch) == 1:
            batch[0].answer.set_exception(broken)
            return
        for job in batch:
            self._store([job])

    def _transact(self, batch: list[Job], sent: list[_Sent]) -> _Sent:
        """One transaction. ``sent`` remembers what earlier tries may have stored."""
        conn = self._connection()
        entries = [staged for job in batch for staged in job.entries]
        ledger = look_up(conn, entries)
        for earlier in sent:
            # The lock is held, so an earlier try has ended, one way or the other.
            if is_stored(conn, earlier.ledger):
                conn.execute("ROLLBACK")
                return earlier
        outcome = _Sent(ledger, [_judge(job, ledger) for job in batch])
        checkpoints = [
            job.checkpoint
            for job, answer in zip(batch, outcome.answers, strict=True)
            if job.checkpoint and not isinstance(answer, Exception)
        ]
        if ledger.is_blank and not checkpoints:
            conn.execute("ROLLBACK")
        else:
            sent.append(outcome)
            write(conn, ledger, checkpoints)
        return outcome

    def _answer(self, batch: list[Job], outcome: _Sent) -> None:
        if outcome.ledger.rows:
            self._committed(outcome.ledger.head)
        for job, answer in zip(batch, outcome.answers, strict=True):
            if isinstance(answer, Exception):
                job.answer.set_exception(answer)
            else:
                job.answer.set_result(answer)

    def _connection(self) -> Connection:
        if self._conn is None:
            self._conn = self._connect()
        return self._conn

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def _judge(job: Job, ledger: Ledger) -> list[Appended] | Exception:
    try:
        return [ledger.accept(staged) for staged in job.entries]
    except REFUSALS as no:
        if job.bulk:  # it is alone in its batch
            ledger.withdraw()
        return no


def _unavailable(lost: Exception, sent: list[_Sent]) -> Unavailable:
    fate = "the command may have been stored" if sent else "nothing was stored"
    failed = Unavailable(f"the database cannot be reached; {fate}: {_first_line(lost)}")
    failed.__cause__ = lost
    return failed


def _first_line(lost: Exception) -> str:
    return str(lost).partition("\n")[0]

"""The sealer: keeps a signed checkpoint close behind the log. Any number may run; one leads."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection

from domain.seals import SEALS
from event_store.seals import stored
from event_store.seals.checkpoints import Checkpoint
from event_store.seals.cosigning import WitnessAt
from event_store.seals.keys import SignerKey
from event_store.seals.notes import Note
from event_store.seals.reasons import NotWitnessed, Unsound
from event_store.seals.sealing import REMEMBERED, Sealing, Stopped
from event_store.seals.tile_store import TileFolder
from event_store.store import EventStore, TooBusy, Unavailable

MERGE_DELAY_SECONDS_MAX = 5.0
"""Promised: an event that is stored is covered by a published checkpoint within this time."""
CHECKPOINT_SECONDS = 2.0
"""How long events gather before they are sealed together."""
LOOK_SECONDS = 0.5
"""How long the sealer waits for news before it looks around, and stops if it shall."""
RETRY_SECONDS = 5.0
"""How long it rests after something went wrong."""

LEADING = 0x63726D_05
"""Advisory lock: one sealer at a time seals a log."""
PASSING = (psycopg.OperationalError, psycopg.InterfaceError, Unavailable, TooBusy, OSError)
"""What may be over when it is tried again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SealStatus:
    """How the seals stand to the log."""

    size: int
    """Events up to here are covered by the newest published checkpoint."""
    lag: int
    """Events of people that are not."""
    lag_seconds: float
    """How long ago the first of those was recorded."""
    witnesses: tuple[str, ...]
    """Who has cosigned it."""
    checkpoint: str | None
    """The signed note; None before the first."""

    @property
    def is_late(self) -> bool:
        """Whether the promise is broken."""
        return self.lag_seconds > MERGE_DELAY_SECONDS_MAX


def seal_status(store: EventStore, dsn: str) -> SealStatus:
    """How far the log is sealed, from what its database remembers."""
    known = store.checkpoint(REMEMBERED)
    size = int(known["size"]) if known else 0
    with stored.connect(dsn) as conn:
        lag, since = stored.waiting(conn, size, SEALS)
    seconds = (datetime.now(UTC) - since).total_seconds() if since else 0.0
    note = str(known["checkpoint"]) if known else None
    return SealStatus(size, lag, seconds, _cosigners(note), note)


def _cosigners(note: str | None) -> tuple[str, ...]:
    """The names that signed beside the log's own. Whether they are theirs, the audit says."""
    if note is None:
        return ()
    parsed = Note.parse(note.encode())
    origin = Checkpoint.parse(parsed.text).origin
    return tuple(it.name for it in parsed.signatures if it.name != origin)


class Sealer:
    """Seals one log from a folder of tiles, in a thread of its own."""

    def __init__(
        self,
        store: EventStore,
        dsn: str,
        folder: Path,
        key: SignerKey,
        witnesses: Sequence[WitnessAt] = (),
        *,
        quorum: int | None = None,
        pause: float = CHECKPOINT_SECONDS,
    ) -> None:
        """``quorum`` of the witnesses, all unless given, have to cosign each checkpoint."""
        self._store, self._dsn, self._folder, self._key = store, dsn, folder, key
        self._witnesses, self._quorum, self._pause = tuple(witnesses), quorum, pause
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble: str | None = None
        """What keeps it from sealing, in words."""

    def start(self) -> None:
        """Seals in a thread until ``stop``."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Seals what is stored by now, if that can be done, and ends the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def seal(self) -> bool:
        """Seals what the log holds now, unless another sealer leads, which does so itself.
        True if it was sealed here.

        Raises:
            Unsound: it cannot be sealed, or must not be. The class says why.
        """
        with stored.connect(self._dsn) as conn, self._alone(conn) as leads:
            if leads:
                self._open(conn).step()
            return leads

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with stored.connect(self._dsn) as conn, self._alone(conn) as leads:
                    if leads:
                        self._follow(self._open(conn))
                        return
                self._stopping.wait(LOOK_SECONDS)
                continue
            except Stopped:
                return
            except PASSING as lost:
                self._say(f"seals stand still: {lost}")
            except Unsound as bad:
                self._say(f"nothing is sealed: {bad.reason}: {bad}")
            except Exception as unforeseen:  # whatever it is, the program goes on
                self._say(f"nothing is sealed: {unforeseen}")
                logger.exception("the sealer failed")
            self._stopping.wait(RETRY_SECONDS)

    def _follow(self, sealing: Sealing) -> None:
        """Seals until told to stop, and once more then: events gather for a while before each
        step, so that busy times do not make many checkpoints."""
        while not self._stopping.is_set():
            began = monotonic()
            self._step(sealing)
            self._stopping.wait(max(0.0, began + self._pause - monotonic()))
            while not self._stopping.is_set() and not sealing.is_behind:
                if self._store.wait(sealing.position, LOOK_SECONDS) > sealing.position:
                    break
        self._step(sealing)

    def _step(self, sealing: Sealing) -> None:
        try:
            sealing.step()
        except NotWitnessed as silent:
            self._say(f"no checkpoint is published: {silent}")
        else:
            self.trouble = None

    def _say(self, trouble: str) -> None:
        """Says it once, not at each try."""
        if trouble != self.trouble:
            logger.error(trouble)
        self.trouble = trouble

    def _open(self, conn: Connection[Any]) -> Sealing:
        return Sealing(
            self._store,
            conn,
            TileFolder(self._folder),
            self._key,
            self._witnesses,
            quorum=self._quorum,
            stopping=self._stopping,
        )

    @contextmanager
    def _alone(self, conn: Connection[Any]) -> Iterator[bool]:
        """Whether this one leads: of all that seal the log, and of all that use the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".leader").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            locked = conn.execute("SELECT pg_try_advisory_lock(%s)", (LEADING,)).fetchone()
            yield locked == (True,)

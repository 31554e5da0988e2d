"""The runner: keeps the tables of views up with the log, in batches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from event_store.codec import UnreadableEvent
from event_store.store import PAGE_MAX, EventStore
from projections.kit import VIEWS, View
from replay import erasure, registry, tables
from replay.follower import Follower
from replay.progress import Meter, Progress
from replay.registry import FAILED, LIVE, Standing
from replay.tables import TRANSIENT, Connection

FOLLOW_SECONDS = 0.5
"""How long the runner waits for news before it looks around, and stops if it shall."""
LEAD_SECONDS = 1.0
"""How often a runner that waits asks whether the leader is gone."""
RETRY_SECONDS = 1.0
"""How long the runner rests after the database was away."""
POLL_SECONDS = 0.02
"""How often a reader who waits looks for what another process has folded."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """How a view stands to the log."""

    view: str
    version: int
    """Of the rows that are served."""
    position: int
    """All events up to here are folded."""
    state: str
    """live, failed (stopped at an error), or rebuilding (rows of this version are being made)."""
    lag: int
    """Events of the log that it has not folded."""
    lag_seconds: float
    """How long ago the first of those was recorded."""
    error: str | None
    error_position: int | None

    @property
    def is_current(self) -> bool:
        """Whether it shows all that the log holds."""
        return self.state == LIVE and self.lag == 0


class Runner:
    """Keeps views up with the log of one workspace. Any number may run; one of them leads."""

    def __init__(
        self, store: EventStore, dsn: str, views: Collection[View[Any]] | None = None
    ) -> None:
        """``views`` are all registered ones unless given."""
        chosen = VIEWS.values() if views is None else views
        self._store, self._dsn = store, dsn
        self._views = {view.name: view for view in chosen}
        self._moved = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._reading = threading.Lock()
        self._reader: Connection | None = None

    def prepare(self) -> None:
        """Makes the tables that are not there, and marks views of an older version to be
        rebuilt beside the old rows. Folds nothing."""
        views = self._views.values()
        with tables.connect(self._dsn) as conn:
            registry.create(conn, views, fresh=self._store.head() <= PAGE_MAX)
            registry.take_up(conn, views)

    def catch_up(self, progress: Progress | None = None) -> int:
        """Folds all that the log holds now, and returns its position. A view that fails is
        left behind; see ``status``."""
        goal = self._store.head()
        with tables.connect(self._dsn) as conn:
            registry.note_losses(conn, self._views.values())
            follower = Follower(self._store, conn, self._views)
            follower.rebuild(progress, wait=True)
            at = follower.step(goal)
            meter = Meter(progress, at, goal)
            while at < goal:
                at = follower.step(goal)
                meter.at(at)
        return goal

    def retry(self) -> None:
        """Lets failed views go on from where they stand."""
        with tables.connect(self._dsn) as conn:
            registry.retry(conn, self._views.values())

    def start(self) -> None:
        """Follows the log in a thread of its own, from ``prepare`` on until ``stop``. Views
        that have failed try again first, as the program may have been mended."""
        self.prepare()
        self.retry()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="views", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the batch at hand, and lets go of connections."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def wait_for(self, position: int, timeout: float, views: Collection[str] | None = None) -> bool:
        """Waits until the views, all unless named, have folded the log up to a position.

        True if they have; False after ``timeout`` seconds, or if a view has failed before it.
        """
        names = self._views.keys() if views is None else views
        deadline = monotonic() + timeout
        while True:
            standings = self._standings(names).values()
            behind = [one for one in standings if one.position < position]
            awaited = [one for one in behind if one.state != FAILED]
            if not awaited and len(standings) == len(names):
                return not behind
            left = deadline - monotonic()
            if left <= 0:
                return False
            with self._moved:
                self._moved.wait(min(POLL_SECONDS, left))

    def status(self) -> list[ViewStatus]:
        """How each view stands, by name."""
        standings = self._standings(self._views)
        head = self._store.head()
        return [
            ViewStatus(
                view=one.view,
                version=one.version,
                position=one.position,
                state=one.state,
                lag=max(0, head - one.position),
                lag_seconds=self._waited(one) if one.position < head else 0.0,
                error=one.error,
                error_position=one.error_position,
            )
            for one in standings.values()
        ]

    def _waited(self, one: Standing) -> float:
        """Seconds since the first event that a view has not folded was recorded; where that one
        cannot be read, since the view last moved."""
        try:
            since = self._store.page(one.position, 1)[0].recorded_at
        except UnreadableEvent:
            since = one.updated_at
        return max(0.0, (datetime.now(UTC) - since).total_seconds())

    def _standings(self, names: Collection[str]) -> dict[str, Standing]:
        with self._reading:
            if self._reader is not None:
                try:
                    return registry.read(self._reader, names)
                except TRANSIENT:
                    self._reader.close()
            self._reader = tables.connect(self._dsn)
            return registry.read(self._reader, names)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with tables.connect(self._dsn) as conn:
                    self._lead(conn)
            except _Stopped:
                return
            except TRANSIENT as error:
                log.warning("views stand still: %s", error)
            except Exception:
                log.exception("views stand still")
            self._stopping.wait(RETRY_SECONDS)

    def _lead(self, conn: Connection) -> None:
        """Follows the log for as long as the connection lasts, once nobody else does."""
        while not registry.try_lock(conn, registry.LEADING):
            if self._stopping.wait(LEAD_SECONDS):
                return
        registry.note_losses(conn, self._views.values())
        follower = Follower(self._store, conn, self._views)
        erasures = -1  # what an earlier leader left undone is taken up
        while not self._stopping.is_set():
            follower.rebuild(self._go_on, wait=False)
            head = self._store.head()
            at = follower.step(head)
            with self._moved:
                self._moved.notify_all()
            if erasures != follower.erasures and at >= head:
                erasures = follower.erasures
                self._complete_erasures()
            if at >= head:
                self._store.wait(head, FOLLOW_SECONDS)

    def _complete_erasures(self) -> None:
        try:
            for done in erasure.complete(self._store, self._dsn, self._views.values()):
                log.info("the erasure of a %s is certified", done.noun)
        except erasure.Incomplete:
            log.exception("an erasure is incomplete")

    def _go_on(self, _done: int, _of: int, _rate: float) -> None:
        """A long rebuild is given up when the runner shall stop."""
        if self._stopping.is_set():
            raise _Stopped


class _Stopped(Exception):
    pass

"""Making views anew from the log, beside those that serve, and swapping them in.

All of it happens in one transaction: until its commit nobody sees anything of the new tables,
and a rebuild that is cancelled, or dies, leaves nothing behind.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg

from domain.kernel import Recorded
from event_store.codec import UnreadableEvent
from event_store.keys import PersonalDataLocked
from event_store.store import PAGE_MAX, EventStore
from projections.kit import VIEWS, View
from replay import registry, tables
from replay.compare import Difference, differences, digest
from replay.folding import FoldFailed, Readers, advance, refold
from replay.pages import read_page
from replay.progress import Meter, Progress
from replay.registry import Standing
from replay.shelves import ROWS_IN_MEMORY_MAX, ShadowShelf
from replay.tables import Connection

SWAP_TRIES_MAX = 60
"""How often a swap is tried while readers hold on to what it replaces."""
SWAP_PAUSE = 0.5
"""Seconds between two tries."""


class NoSuchView(Exception):
    """There is no view of that name."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of rebuilding one view."""

    view: str
    version: int
    position: int
    """All events up to here are folded."""
    events: int
    """How many of them the view reads."""
    rows: int
    differences: int | None
    """Rows that were not as the serving ones at the same position; None if not compared."""
    differing: tuple[Difference, ...]
    """The first of those: was (serving) and is (rebuilt)."""
    digest: str
    """SHA-256 over the rows, whatever their order."""
    seconds: float
    swapped: bool
    error: str | None = None
    """Why it could not be rebuilt or compared."""
    error_position: int | None = None
    """The event at which it failed."""


class Build:
    """A new generation of one view."""

    def __init__(self, conn: Connection, view: View[Any], goal: int, rows_max: int) -> None:
        self.view = view
        self.goal = goal
        self.position = 0
        self.events = 0
        self.error: BaseException | None = None
        self.error_position: int | None = None
        self.generation = registry.next_generation(conn)
        self.table = tables.table_name(view, self.generation)
        self._shelf = ShadowShelf(conn, view, self.table, rows_max)

    @property
    def names(self) -> frozenset[str]:
        return self.view.names

    def fold(self, events: Sequence[Recorded[Any]], upto: int) -> None:
        """Folds the events that the view reads, as far as they lie before its goal."""
        if self.error is not None:
            return
        if upto > self.goal:
            events = [it for it in events if it.position <= self.goal]
        with self._alone():
            advance(self.view, events, self._shelf)
            self.events += len(events)
            self.position = min(upto, self.goal)

    def check_readable(self, events: Sequence[Recorded[Any]], store: EventStore) -> None:
        """Gives up where rows would have holes in them, because people's keys are missing."""
        if self.view.personal_columns and any(it.withheld == "unreadable" for it in events):
            why = store.keys_missing()
            if why is not None:
                self.fail(PersonalDataLocked(why=why), None)

    def refold(self, stale: Sequence[Recorded[Any]]) -> None:
        """Makes the rows anew that told of somebody who was erased meanwhile."""
        if stale and self.error is None and self.view.personal_columns:
            with self._alone():
                refold(self.view, [it for it in stale if it.position <= self.goal], self._shelf)

    def finish(self) -> None:
        """Puts the rows into their table."""
        if self.error is None:
            with self._alone():
                self._shelf.finish()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """What goes wrong here is the trouble of this view and no other."""
        try:
            yield
        except tables.TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a view raises is reported
            self.fail(error, error.position if isinstance(error, FoldFailed) else None)

    def fail(self, error: BaseException, position: int | None) -> None:
        """The view is given up; the others go on."""
        self.error, self.error_position = error, position


def rebuild(
    store: EventStore,
    dsn: str,
    names: Collection[str] | None = None,
    *,
    views: Collection[View[Any]] | None = None,
    check: bool = False,
    swap: bool | None = None,
    progress: Progress | None = None,
) -> list[Rebuilt]:
    """Makes views anew in one pass over the log, while the old ones serve and are written.

    ``names`` chooses among the views, which are all registered ones unless given. ``check``
    compares the new rows with the serving ones at the same position. ``swap`` puts the new
    tables in the place of the old; a check leaves it out unless it is asked for. The one
    rebuild waits for the other.

    Raises:
        NoSuchView: a name is unknown.
    """
    chosen = _chosen(VIEWS.values() if views is None else views, names)
    with tables.connect(dsn) as conn:
        registry.create(conn, chosen, fresh=store.head() <= PAGE_MAX)
        with registry.locked(conn, registry.BUILDING):
            job = Job(store, conn, check=check, swap=not check if swap is None else swap)
            return job.run(chosen, progress)


def _chosen(views: Collection[View[Any]], names: Collection[str] | None) -> list[View[Any]]:
    known = {view.name: view for view in views}
    unknown = sorted(set(names or ()) - known.keys())
    if unknown:
        raise NoSuchView(f"there is no view {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return [known[name] for name in sorted(known if names is None else set(names))]


class Job:
    """One rebuild of some views, in one transaction of its connection."""

    def __init__(
        self,
        store: EventStore,
        conn: Connection,
        *,
        check: bool = False,
        swap: bool = True,
        rows_max: int = ROWS_IN_MEMORY_MAX,
    ) -> None:
        self._store, self._conn = store, conn
        self._check, self._swap = check, swap
        self._rows_max = rows_max
        self._since = 0

    def run(self, views: Sequence[View[Any]], progress: Progress | None = None) -> list[Rebuilt]:
        """Rebuilds the views; one that fails is reported and leaves the others alone."""
        since = monotonic()
        with self._conn.transaction(force_rollback=not self._swap):
            self._conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            self._store.forget_keys()  # who is erased up to here is not read
            self._since = self._store.head()
            builds = self._begin(views)
            end = max((build.goal for build in builds), default=0)
            _replay(self._store, builds, 0, self._since, Meter(progress, 0, end))
            for build in builds:
                build.finish()
            if not self._check:
                self._follow(builds)
            return self._settle(builds, since)

    def _begin(self, views: Sequence[View[Any]]) -> list[Build]:
        standings = registry.read(self._conn, [view.name for view in views])
        head = self._store.head()
        return [
            Build(
                self._conn,
                view,
                standings[view.name].position if self._check else head,
                self._rows_max,
            )
            for view in views
        ]

    def _follow(self, builds: Sequence[Build]) -> None:
        """What came in while rows were put into tables; little is left for the locked part."""
        while (head := self._store.head()) - min((b.goal for b in builds), default=head) > PAGE_MAX:
            self._catch_up(builds, head)

    def _catch_up(self, builds: Sequence[Build], goal: int) -> None:
        for build in builds:
            build.goal = max(goal, build.goal)
            _replay(self._store, [build], build.position, self._since, None)

    def _settle(self, builds: Sequence[Build], since: float) -> list[Rebuilt]:
        """Compares and swaps. Gives way to readers, so that none of them waits for long."""
        stood = [(build.position, build.events) for build in builds]
        for left in reversed(range(SWAP_TRIES_MAX)):
            try:
                with self._conn.transaction():
                    return self._settle_once(builds, since)
            except psycopg.errors.LockNotAvailable:
                if not left:
                    raise
            for build, (position, events) in zip(builds, stood, strict=True):
                build.position, build.events = position, events
            time.sleep(SWAP_PAUSE)
        raise AssertionError("unreachable")

    def _settle_once(self, builds: Sequence[Build], since: float) -> list[Rebuilt]:
        # Shorter than PostgreSQL's deadlock_timeout: this gives up before a reader has to.
        self._conn.execute("SET LOCAL lock_timeout = '500ms'")
        standings = registry.lock(self._conn, [build.view.name for build in builds])
        self._meet(builds, standings)
        results = [self._result(b, standings[b.view.name], since) for b in builds]
        for build in builds:
            if build.error is not None:
                tables.drop(self._conn, build.table)
            elif self._swap:
                old = standings[build.view.name].generation
                registry.serve(self._conn, build.view, build.generation, build.position)
                tables.drop(self._conn, tables.table_name(build.view, old))
        return results

    def _meet(self, builds: Sequence[Build], standings: dict[str, Standing]) -> None:
        """Brings the new rows to where the serving ones stand, or to the head if that is to
        be their place."""
        head = self._store.head()
        for build in builds:
            at = standings[build.view.name].position
            self._catch_up([build], at if self._check else max(head, at))

    def _result(self, build: Build, standing: Standing, since: float) -> Rebuilt:
        rows, said, count = 0, "", None
        named: tuple[Difference, ...] = ()
        error = None if build.error is None else registry.describe(build.error)
        if error is None:
            rows, said = digest(self._conn, build.table)
            if self._check and standing.version != build.view.version:
                error = f"version {standing.version} serves: there is nothing to compare with"
            elif self._check:
                serving = tables.table_name(build.view, standing.generation)
                count, named = differences(self._conn, build.view, serving, build.table)
        return Rebuilt(
            view=build.view.name,
            version=build.view.version,
            position=build.position,
            events=build.events,
            rows=rows,
            differences=count,
            differing=named,
            digest=said,
            seconds=monotonic() - since,
            swapped=self._swap and build.error is None,
            error=error,
            error_position=build.error_position,
        )


def _replay(
    store: EventStore, builds: Sequence[Build], after: int, since: int, meter: Meter | None
) -> None:
    """Folds the log from a position on to the goals of the builds, in one pass for all. Rows may
    hold what those said who were erased after ``since``."""
    readers = Readers([build.view for build in builds])
    end = max((build.goal for build in builds), default=0)
    try:
        while after < end:
            upto = min(after + PAGE_MAX, end)
            page = read_page(store, after, upto, readers.names, since)
            for build, events in zip(builds, readers.shares(page.events), strict=True):
                build.check_readable(events, store)
                build.fold(events, upto)
                build.refold(page.stale)
            after = upto
            # Rows are no garbage: the collector need not go through all of them again and again.
            gc.freeze()
            if meter is not None:
                meter.at(after)
            if all(build.error is not None for build in builds):
                return
    except UnreadableEvent as error:
        _apart(store, builds, after, since, error, meter)
    finally:
        gc.unfreeze()


def _apart(
    store: EventStore,
    builds: Sequence[Build],
    after: int,
    since: int,
    error: UnreadableEvent,
    meter: Meter | None,
) -> None:
    """An event that cannot be read fails the views that read it, and no other."""
    if len(builds) > 1:
        for build in builds:
            _replay(store, [build], after, since, meter)
        return
    first, upto = after, min(after + PAGE_MAX, builds[0].goal)
    while upto - first > 1:
        middle = (first + upto) // 2
        try:
            store.page(first, upto=middle, names=builds[0].names)
            first = middle
        except UnreadableEvent:
            upto = middle
    builds[0].fail(error, upto)

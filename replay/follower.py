"""Taking the tables of views along the log, page by page."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from domain.kernel import Recorded
from event_store.codec import UnreadableEvent
from event_store.store import PAGE_MAX, EventStore
from projections.kit import View
from replay import registry, tables
from replay.folding import FoldFailed, Readers, advance, refold
from replay.pages import Page, read_page
from replay.progress import Progress
from replay.rebuild import Job
from replay.registry import BUILDING, LIVE, REBUILDING, Standing
from replay.shelves import TableShelf
from replay.tables import TRANSIENT, Connection

log = logging.getLogger(__name__)


class Follower:
    """Folds the log onto the tables of some views, over one connection.

    Two of them may work on one database: whoever moves a view's checkpoint first has folded
    the page, and the other one finds it done.
    """

    def __init__(self, store: EventStore, conn: Connection, views: Mapping[str, View[Any]]) -> None:
        self._store, self._conn, self._views = store, conn, views
        self._waiting: set[str] = set()
        """Views that stand still until people's keys can be had."""
        self.erasures = 0
        """How many pages were folded in which somebody was erased."""

    def step(self, head: int) -> int:
        """Takes each live view a page further towards the head. Returns where the last of them
        stands; a view that cannot go on does not count."""
        self._waiting.clear()
        for position, group in _by_position(self._live()).items():
            if position < head:
                self._fold_page(group, position, head)
        going = (one.position for one in self._live() if one.view not in self._waiting)
        return min(going, default=head)

    def rebuild(self, progress: Progress | None = None, *, wait: bool) -> None:
        """Makes those views anew whose rows are of an older version, or were never made.

        Where somebody else is rebuilding views, waits for them or leaves it at that.
        """
        if not self._outdated():
            return
        if wait:
            with registry.locked(self._conn, BUILDING):
                self._rebuild(progress)
        elif registry.try_lock(self._conn, BUILDING):
            try:
                self._rebuild(progress)
            finally:
                registry.unlock(self._conn, BUILDING)

    def _rebuild(self, progress: Progress | None) -> None:
        outdated = {one.view: one for one in self._outdated()}
        views = [self._views[name] for name in outdated]
        for done in Job(self._store, self._conn).run(views, progress):
            if done.error is not None:
                self._fail(outdated[done.view], done.error_position, done.error)

    def _outdated(self) -> list[Standing]:
        return [one for one in self._ours() if one.state == REBUILDING]

    def _live(self) -> list[Standing]:
        return [one for one in self._ours() if one.state == LIVE]

    def _ours(self) -> list[Standing]:
        """All but those that a newer program, or none of our version yet, has taken up."""
        standings = registry.read(self._conn, self._views).values()
        return [one for one in standings if one.wanted == self._views[one.view].version]

    def _fold_page(self, group: Sequence[Standing], after: int, head: int) -> None:
        readers = Readers([self._views[one.view] for one in group])
        upto = min(after + PAGE_MAX, head)
        try:
            page = self._read(after, upto, readers.names)
        except UnreadableEvent:
            for one in group:
                self._narrow(one, after, upto)
            return
        shares = self._readable(list(zip(group, readers.shares(page.events), strict=True)))
        idle = [one for one, share in shares if not share and not page.stale]
        registry.advance(self._conn, idle, after, upto)
        for one, share in shares:
            if share or page.stale:
                self._fold_or_narrow(one, Page(share, page.stale), after, upto)

    def _readable(
        self, shares: list[tuple[Standing, list[Recorded[Any]]]]
    ) -> list[tuple[Standing, list[Recorded[Any]]]]:
        """Without the views that would keep rows with holes in them, because keys are missing."""
        blind = {
            one.view
            for one, share in shares
            if self._views[one.view].personal_columns
            and any(it.withheld == "unreadable" for it in share)
        }
        if blind and self._store.keys_missing() is not None:
            self._waiting |= blind
            return [(one, share) for one, share in shares if one.view not in blind]
        return shares

    def _read(self, after: int, upto: int, names: Collection[str]) -> Page:
        page = read_page(self._store, after, upto, names)
        self.erasures += bool(page.stale)
        return page

    def _fold_or_narrow(self, one: Standing, page: Page, after: int, upto: int) -> None:
        try:
            self._fold(one, page, after, upto)
        except TRANSIENT:
            raise
        except Exception:  # noqa: BLE001 -- whatever a view raises stops that view alone
            self._narrow(one, after, upto)

    def _fold(self, one: Standing, page: Page, after: int, upto: int) -> None:
        """Rows and checkpoint, or neither. Rows that told of those who are erased in the page
        are made anew with it."""
        view = self._views[one.view]
        with self._conn.transaction():
            if registry.advance(self._conn, [one], after, upto):
                table = tables.table_name(view, one.generation)
                shelf = TableShelf(self._conn, view, table)
                advance(view, page.events, shelf)
                if view.personal_columns:
                    refold(view, page.stale, shelf)

    def _narrow(self, one: Standing, after: int, upto: int) -> bool:
        """Folds what can be folded of a stretch of the log, halving it until the event is
        found at which the view fails. True if there is none."""
        try:
            view = self._views[one.view]
            page = self._read(after, upto, view.names)
            (mine,) = Readers([view]).shares(page.events)
            self._fold(one, Page(mine, page.stale), after, upto)
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a view raises stops that view alone
            if upto - after > 1:
                middle = (after + upto) // 2
                return self._narrow(one, after, middle) and self._narrow(one, middle, upto)
            self._fail(one, upto, registry.describe(_bare(error)))
            return False
        return True

    def _fail(self, one: Standing, position: int | None, error: str) -> None:
        log.error("the view %s stops at position %s: %s", one.view, position, error)
        registry.fail(self._conn, one, position, error)


def _bare(error: Exception) -> BaseException:
    """What the view itself raised."""
    return error.__cause__ or error if isinstance(error, FoldFailed) else error


def _by_position(standings: Iterable[Standing]) -> dict[int, list[Standing]]:
    groups: dict[int, list[Standing]] = {}
    for one in standings:
        groups.setdefault(one.position, []).append(one)
    return groups

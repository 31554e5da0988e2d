"""Folding events onto the rows of views, wherever the rows are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from domain.kernel import Recorded
from projections.kit import Key, View

Rows = dict[Key, Any]
"""Rows by key."""
Changes = Mapping[Key, Any]
"""Rows by key; None where a row is gone."""


class Shelf(Protocol):
    """Where the rows of a view live."""

    def load(self, keys: Collection[Key]) -> Rows:
        """The rows of those keys, as far as there are any."""

    def save(self, changes: Changes) -> None:
        """Puts rows in place, and takes those away that are None."""


class FoldFailed(Exception):
    """A view could not fold an event. The cause is chained."""

    def __init__(self, view: str, position: int) -> None:
        super().__init__(f"the view {view!r} failed at position {position}")
        self.view, self.position = view, position


class Readers:
    """Who reads what: a page of the log is gone through once for all views."""

    def __init__(self, views: Sequence[View[Any]]) -> None:
        self.names = frozenset(name for view in views for name in view.names)
        """Of the events that any of the views reads."""
        self._count = len(views)
        self._readers: dict[type, list[int]] = {}
        for place, view in enumerate(views):
            for cls in dict.fromkeys(view.reads):
                self._readers.setdefault(cls, []).append(place)

    def shares(self, page: Iterable[Recorded[Any]]) -> list[list[Recorded[Any]]]:
        """For each view, in their order, the events that it reads."""
        shares: list[list[Recorded[Any]]] = [[] for _ in range(self._count)]
        readers = self._readers
        for it in page:
            for place in readers.get(type(it.event), ()):
                shares[place].append(it)
        return shares


def advance(view: View[Any], events: Sequence[Recorded[Any]], shelf: Shelf) -> None:
    """Folds events that the view reads onto its rows: one load, one save.

    Raises:
        FoldFailed: the view raised; nothing was saved.
    """
    touches = _touches(view, events)
    before = shelf.load(touches.keys())
    changed: dict[Key, Any] = {}
    evolve = view.evolve
    for key, its in touches.items():
        was = row = before.get(key)
        for it in its:
            try:
                row = evolve(row, it, key)
            except Exception as error:
                raise FoldFailed(view.name, it.position) from error
        if row is not was:
            changed[key] = row
    shelf.save(changed)


def refold(view: View[Any], events: Sequence[Recorded[Any]], shelf: Shelf) -> int:
    """Makes rows anew from all the events of their streams, whatever they hold now. Returns how
    many rows that are.

    Raises:
        FoldFailed: the view raised; nothing was saved.
    """
    mine = [it for it in events if isinstance(it.event, view.reads)]
    rows: dict[Key, Any] = {}
    for key, its in _touches(view, mine).items():
        rows[key] = None
        for it in its:
            try:
                rows[key] = view.evolve(rows[key], it, key)
            except Exception as error:
                raise FoldFailed(view.name, it.position) from error
    shelf.save(rows)
    return len(rows)


def _touches(view: View[Any], events: Sequence[Recorded[Any]]) -> dict[Key, list[Recorded[Any]]]:
    """The events of each row, in their order; rows do not know of each other."""
    touches: defaultdict[Key, list[Recorded[Any]]] = defaultdict(list)
    if follows_streams(view):
        for it in events:
            touches[it.stream,].append(it)
        return touches
    for it in events:
        try:
            keys = dict.fromkeys(view.keys(it))
        except Exception as error:
            raise FoldFailed(view.name, it.position) from error
        for key in keys:
            touches[key].append(it)
    return touches


def follows_streams(view: View[Any]) -> bool:
    """Whether the view has one row for each stream, made of that stream's events alone."""
    return type(view).keys is View.keys


def changes(was: msgspec.Struct | None, now: msgspec.Struct | None) -> dict[str, tuple[Any, Any]]:
    """The fields in which two states of a row differ, each with its two values.

    A row that is not there has None in every field.
    """
    row = was if was is not None else now
    if row is None:
        return {}
    pairs = {
        name: (getattr(was, name, None), getattr(now, name, None)) for name in row.__struct_fields__
    }
    return {name: (a, b) for name, (a, b) in pairs.items() if a != b}

"""The past of records: as they were, how they became so, and where each value is from.

Every function takes a ``Cut``: facts that were true by then, and that we had learned by then,
fold in the order of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.kernel import NOW, Cut, Recorded, sentence
from event_store.store import EventStore
from projections.kit import Key, View
from replay.folding import advance, changes, follows_streams
from replay.pages import pages
from replay.shelves import MemoryShelf

TIMELINE_MAX = 1_000
"""The most events that one look at a timeline shows."""


class NoSuchField(Exception):
    """The rows of the view have no such field."""


@dataclass(frozen=True, slots=True)
class Step:
    """An event in a record's history."""

    it: Recorded[Any]
    row: Any | None
    """The row after it; None where it is gone, or not there yet."""
    changed: dict[str, tuple[Any, Any]]
    """What the event changed, by field: was and is."""


@dataclass(frozen=True, slots=True)
class Diff:
    """Two states of one record."""

    was: Any | None
    now: Any | None
    changed: dict[str, tuple[Any, Any]]
    """The fields in which they differ: was and is."""
    steps: tuple[Step, ...]
    """The events that lie before one of the cuts only, as steps of the history that has them."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the value of a field is from."""

    field: str
    value: Any
    since: datetime
    """When it was true from."""
    recorded_at: datetime
    """When we learned of it."""
    event: str
    """The name of the event that set it."""
    told: str
    """The event in words."""
    position: int
    actor: str
    on_behalf_of: str | None
    source: str | None
    reason: str | None
    batch_id: UUID | None
    earlier: tuple[Provenance, ...] = ()
    """The values before it, newest first."""


def row_as_of(store: EventStore, view: View[Any], key: Key | UUID, cut: Cut = NOW) -> Any | None:
    """A view's row of that key as it was, or None."""
    row = None
    for step in _steps(store, view, _key(key), cut):
        row = step.row
    return row


def rows_as_of(
    store: EventStore,
    view: View[Any],
    cut: Cut = NOW,
    where: Callable[[Any], bool] | None = None,
) -> dict[Key, Any]:
    """All rows of a view as they were, by key; those that fulfil ``where``, if given."""
    shelf = MemoryShelf()
    for events, _ in pages(store, 0, store.head(), view.names):
        advance(view, [it for it in events if cut.holds(it)], shelf)
    if where is None:
        return shelf.rows
    return {key: row for key, row in shelf.rows.items() if where(row)}


def timeline(
    store: EventStore,
    subject: UUID,
    cut: Cut = NOW,
    before: int | None = None,
    limit: int = 50,
) -> list[Recorded[Any]]:
    """What concerns a contact, account or lead, newest first; at most ``TIMELINE_MAX`` events,
    below position ``before`` where that is given."""
    return store.by_subject(subject, cut=cut, before=before, limit=min(limit, TIMELINE_MAX))


def history(store: EventStore, stream: Key | UUID, view: View[Any], cut: Cut = NOW) -> list[Step]:
    """Every event that a view folds onto one row, in the order of the log, each with the row
    after it and what it changed. For a view whose rows are not streams, give the row's key."""
    return list(_steps(store, view, _key(stream), cut))


def diff(store: EventStore, stream: Key | UUID, view: View[Any], cut_a: Cut, cut_b: Cut) -> Diff:
    """How a row differs between two cuts, and the events that make the difference."""
    a, b = (history(store, stream, view, cut) for cut in (cut_a, cut_b))
    was, now = (steps[-1].row if steps else None for steps in (a, b))
    in_a, in_b = ({step.it.position for step in steps} for steps in (a, b))
    apart = [s for s in a if s.it.position not in in_b]
    apart += [s for s in b if s.it.position not in in_a]
    apart.sort(key=lambda step: step.it.position)
    return Diff(was, now, changes(was, now), tuple(apart))


def provenance(
    store: EventStore, stream: Key | UUID, view: View[Any], field: str, cut: Cut = NOW
) -> Provenance | None:
    """Which event gave a field its value, who brought it and why, and the values before; None
    where there is no such row.

    Raises:
        NoSuchField: the rows of the view have no such field.
    """
    if field not in view.row.__struct_fields__:
        raise NoSuchField(f"{view.name} has no field {field!r}")
    found: list[Provenance] = []
    row: msgspec.Struct | None = None
    for step in _steps(store, view, _key(stream), cut):
        if step.row is not None and (row is None or field in step.changed):
            found.append(_origin(field, step))
        row = step.row
    if row is None:
        return None
    *earlier, last = found
    return replace(last, earlier=tuple(reversed(earlier)))


def _origin(field: str, step: Step) -> Provenance:
    it = step.it
    return Provenance(
        field=field,
        value=getattr(step.row, field),
        since=it.occurred_at,
        recorded_at=it.recorded_at,
        event=it.name,
        told=sentence(it.event),
        position=it.position,
        actor=it.actor,
        on_behalf_of=it.on_behalf_of,
        source=it.source,
        reason=it.reason,
        batch_id=it.batch_id,
    )


def _steps(store: EventStore, view: View[Any], key: Key, cut: Cut) -> Iterator[Step]:
    row: Any | None = None
    for it in _events(store, view, key):
        if cut.holds(it):
            was, row = row, view.evolve(row, it, key)
            yield Step(it, row, changes(was, row))


def _events(store: EventStore, view: View[Any], key: Key) -> Iterable[Recorded[Any]]:
    """The events of one row: its stream, or what the log holds of the names that are read."""
    if follows_streams(view):
        return [it for it in store.read(key[0]) if isinstance(it.event, view.reads)]
    return (
        it
        for events, _ in pages(store, 0, store.head(), view.names)
        for it in events
        if key in view.keys(it)
    )


def _key(key: Key | UUID) -> Key:
    return (key,) if isinstance(key, UUID) else key

"""Going through the log."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from domain.erasure import ERASURES
from domain.kernel import Recorded
from event_store.store import PAGE_MAX, EventStore


def pages(
    store: EventStore, after: int, end: int, names: Collection[str]
) -> Iterator[tuple[list[Recorded[Any]], int]]:
    """The events of those names from one position to another, page by page, each with the
    position that it reaches. Only what is named is decoded."""
    while after < end:
        # Positions are dense: so many of them never hold more events than a page does.
        upto = min(after + PAGE_MAX, end)
        yield store.page(after, upto=upto, names=names), upto
        after = upto


class Page(NamedTuple):
    """A stretch of the log for those who keep what they make of it."""

    events: list[Recorded[Any]]
    stale: list[Recorded[Any]]
    """The whole streams that told of those who are erased in it: rows made of them before have to
    be made anew."""


def read_page(
    store: EventStore, after: int, upto: int, names: Collection[str], since: int = 0
) -> Page:
    """A page of those names. Erasures up to ``since`` were known when reading began."""
    wanted = {*names, *ERASURES}
    events = store.page(after, upto=upto, names=wanted)
    erased = {it.stream for it in events if it.name in ERASURES and it.position > since}
    if not erased:
        return Page(events, [])
    # The page may have been read with keys that were open here since before they were destroyed.
    store.forget_keys()
    events = store.page(after, upto=upto, names=wanted)
    return Page(events, [it for it in stale(store, erased) if it.position <= upto])


def stale(store: EventStore, persons: Collection[UUID]) -> list[Recorded[Any]]:
    """All events of the streams that tell of erased persons, in the order of each stream."""
    streams = {it.stream for it in store.by_subject(*persons) if it.sealed_for in persons}
    return [it for past in store.read_many(streams).values() for it in past]

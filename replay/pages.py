"""Going through the log."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

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

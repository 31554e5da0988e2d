"""Facts as every way out chooses and tells them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

import msgspec

from domain.kernel import Cut, Recorded, sentence
from event_store.store import PAGE_MAX, EventStore


def fact(it: Recorded[Any]) -> dict[str, Any]:
    """An event with its envelope and its sentence; what was not said is left out."""
    envelope = {
        "position": it.position,
        "name": it.name,
        "stream": it.stream,
        "version": it.version,
        "occurred_at": it.occurred_at,
        "recorded_at": it.recorded_at,
        "actor": it.actor,
        "on_behalf_of": it.on_behalf_of,
        "reason": it.reason,
        "source": it.source,
        "command_id": it.command_id,
        "correlation_id": it.correlation_id,
        "causation_id": it.causation_id,
        "batch_id": it.batch_id,
        "subjects": it.subjects or None,
        "withheld": it.withheld,
    }
    said = {name: value for name, value in envelope.items() if value is not None}
    return {**said, "sentence": sentence(it.event), "fields": msgspec.to_builtins(it.event)}


def facts_after(
    store: EventStore, after: int, cut: Cut, names: Collection[str], subject: UUID | None
) -> Iterator[Recorded[Any]]:
    """Events after a position in the order of the log: those of the given names, where named,
    and of the subject, where given. The log is read as far as the caller takes them."""
    if subject is not None:
        for it in store.by_subject(subject, cut=cut):
            if it.position > after and (not names or it.name in names):
                yield it
        return
    while events := store.page(after, PAGE_MAX, names=names or None):
        yield from (it for it in events if cut.holds(it))
        after = events[-1].position

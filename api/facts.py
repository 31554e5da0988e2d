"""A fact as every way out tells it."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.kernel import Recorded, sentence


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
    }
    said = {name: value for name, value in envelope.items() if value is not None}
    return {**said, "sentence": sentence(it.event), "fields": msgspec.to_builtins(it.event)}

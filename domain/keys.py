"""The keys that wrap people's keys: when an epoch of them ended, and took the erased with it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel import Aggregate, Event, event

STREAM = UUID("6b657973-0000-8000-8000-000000000000")
"""The one stream of these facts."""


@event("keys.rotated", summary="the keys of people are wrapped under epoch {epoch} now")
class KeysRotated(Event):
    epoch: int
    keys: int
    """How many were wrapped anew."""
    retired: tuple[int, ...] = ()
    """The epochs that were destroyed: what was wrapped under them is closed for ever."""


@dataclass(frozen=True, slots=True)
class KeyEpochs:
    epoch: int | None = None
    """The current one."""


def evolve(_: KeyEpochs, fact: KeysRotated) -> KeyEpochs:
    return KeyEpochs(fact.epoch)


KEYS = Aggregate("keys", KeyEpochs(), evolve, is_record=False)

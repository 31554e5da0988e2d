"""The seals of the log: what is said in the log itself, so that nothing newer can be hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from domain.kernel import Aggregate, Event, Refused, event

SEALS = UUID("5ea15000-0000-8000-8000-000000000001")
"""The one stream of seals of each log."""

# --- Events: stored as written; change them only by adding a version.


@event("seal.heads_committed", summary="committed the heads of {streams} records")
class SealHeadsCommitted(Event):
    """How far each stream went at a position. With this as a leaf of the tree, who is shown a
    record's history can tell that it has no newer event up to there."""

    position: int
    """All events up to here are counted."""
    streams: int
    """How many streams there were."""
    root: str
    """Of the tree over their heads, in base64."""


SealEvent = SealHeadsCommitted

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Seals:
    position: int = 0
    streams: int = 0


def evolve(seals: Seals, fact: SealEvent) -> Seals:
    match fact:
        case SealHeadsCommitted():
            return replace(seals, position=fact.position, streams=fact.streams)
        case _:
            assert_never(fact)


SEAL = Aggregate("seal", Seals(), evolve, is_record=False)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class HeadsGoBack(Refused):
    """Heads were committed at position {position} before, with {streams} records."""


def commit_heads(seals: Seals, *, position: int, streams: int, root: str) -> list[SealEvent]:
    if position == seals.position:
        return []
    if position < seals.position or streams < seals.streams:
        raise HeadsGoBack(position=seals.position, streams=seals.streams)
    return [SealHeadsCommitted(position=position, streams=streams, root=root)]

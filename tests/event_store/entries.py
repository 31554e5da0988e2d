"""Entries for the tests of the log: short histories of opportunities."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.kernel import new_id
from domain.opportunities import OpportunityOpened, OpportunityRenamed
from event_store.store import Claim, Entry, Envelope, Write

PIPELINE = new_id()


def envelope(command_id: UUID | None = None, occurred_at: datetime | None = None) -> Envelope:
    command_id = command_id or new_id()
    return Envelope("member-1", command_id, command_id, occurred_at=occurred_at)


def opened(stream: UUID, *subjects: UUID) -> Write:
    """The first event of a stream."""
    fact = OpportunityOpened(name="First", pipeline=PIPELINE, stage="new")
    return Write(stream, 0, (fact,), subjects)


def renamed(stream: UUID, expected: int, *names: str, subjects: tuple[UUID, ...] = ()) -> Write:
    """An event for each of the names."""
    return Write(stream, expected, tuple(OpportunityRenamed(name=n) for n in names), subjects)


def entry(
    *writes: Write,
    command_id: UUID | None = None,
    fingerprint: bytes | None = None,
    claims: tuple[Claim, ...] = (),
    releases: tuple[Claim, ...] = (),
    occurred_at: datetime | None = None,
) -> Entry:
    return Entry(envelope(command_id, occurred_at), writes, claims, releases, fingerprint)

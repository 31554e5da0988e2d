"""Judging entries: what the log holds, what an entry asks of it, and what it adds."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.kernel import Recorded
from event_store.codec import decode, encode
from event_store.store import (
    Appended,
    Claim,
    ClaimTaken,
    Conflict,
    Entry,
    Envelope,
    KeyReused,
)

COLUMNS = (
    "topic",
    "state",
    "notification_id",
    "originator_id",
    "originator_version",
    "recorded_at",
    "occurred_at",
    "actor",
    "command_id",
    "correlation_id",
    "on_behalf_of",
    "reason",
    "source",
    "causation_id",
    "batch_id",
    "subjects",
)
"""The columns of an event as stored. From the third on they are the fields of ``Recorded``."""

Row = tuple[Any, ...]
"""An event as stored: the values of ``COLUMNS``."""


class Fact(NamedTuple):
    """An event on its way into the log."""

    stream: UUID
    version: int
    topic: str
    state: bytes
    subjects: Sequence[UUID] = ()


class Staged(msgspec.Struct, frozen=True):
    """An entry made ready to be judged: events encoded, values claimed turned into keys."""

    envelope: Envelope
    facts: tuple[Fact, ...]
    spans: tuple[tuple[UUID, int, int], ...]
    """For each write the stream, the version that it expects and the one that it leads to."""
    claims: tuple[tuple[bytes, Claim], ...] = ()
    releases: tuple[tuple[bytes, Claim], ...] = ()
    fingerprint: bytes | None = None
    gaps: bool = False
    """Whether versions need only go up, as the library's recorders have it."""

    @property
    def streams(self) -> set[UUID]:
        return {stream for stream, _, _ in self.spans}

    @property
    def keys(self) -> set[bytes]:
        return {key for key, _ in (*self.claims, *self.releases)}


def claim_digest(claim_key: bytes, kind: str, value: str) -> bytes:
    """The key under which a claimed value is stored; without ``claim_key`` nobody can tell
    from it whether a value is claimed."""
    return hmac.digest(claim_key, f"{kind}|{value}".encode(), hashlib.sha256)


def fingerprint_digest(claim_key: bytes, fingerprint: bytes) -> bytes:
    """A command's fingerprint as stored: it speaks of its content, so it is keyed as well."""
    return hmac.digest(claim_key, b"command|" + fingerprint, hashlib.sha256)


def stage(entry: Entry, claim_key: bytes) -> Staged:
    """Makes an entry ready. All that is costly or can fail for the entry's own sake is here."""

    def keyed(claims: Collection[Claim]) -> tuple[tuple[bytes, Claim], ...]:
        return tuple((claim_digest(claim_key, c.kind, c.value), c) for c in claims)

    facts = tuple(
        Fact(write.stream, version, *encode(event), write.subjects)
        for write in entry.writes
        for version, event in enumerate(write.events, start=write.expected + 1)
    )
    known = entry.fingerprint
    return Staged(
        entry.envelope,
        facts,
        tuple((w.stream, w.expected, w.expected + len(w.events)) for w in entry.writes),
        keyed(entry.claims),
        keyed(entry.releases),
        fingerprint_digest(claim_key, known) if known is not None else None,
    )


class Remembered(NamedTuple):
    """A command that was carried out, and what it did."""

    fingerprint: bytes
    done: Appended

    def answer(self, fingerprint: bytes) -> Appended:
        """The first outcome, for the same command.

        Raises:
            KeyReused: it is another command.
        """
        if self.fingerprint != fingerprint:
            raise KeyReused("the idempotency key was used before, for a different command")
        done = self.done
        return Appended(done.position, done.versions, done.events, repeated=True)


@dataclass(slots=True)
class Ledger:
    """What the log holds as far as the entries at hand are concerned. Each accepted entry is
    entered, so that the next one is judged against it as well."""

    head: int
    now: datetime
    """The time of recording; never before that of the newest event."""
    versions: dict[UUID, int]
    """Of the streams at hand; one that is not there yet is absent."""
    commands: dict[UUID, Remembered]
    owners: dict[bytes, UUID]
    rows: list[Row] = field(default_factory=list)
    """What was accepted, in log order."""
    remembered: dict[UUID, Remembered] = field(default_factory=dict)
    """Commands that were accepted and are to be remembered."""
    moved: dict[bytes, UUID | None] = field(default_factory=dict)
    """Claims that were accepted: the new owner, or None where a value was given back."""

    def accept(self, staged: Staged) -> Appended:
        """Enters an entry, or refuses it and stays as it was.

        Raises: Conflict, ClaimTaken, KeyReused.
        """
        command_id, fingerprint = staged.envelope.command_id, staged.fingerprint
        if fingerprint is not None and (known := self.commands.get(command_id)):
            return known.answer(fingerprint)
        self._check_versions(staged)
        self._enter_claims(staged)
        done = self._enter_facts(staged)
        if fingerprint is not None:
            self.commands[command_id] = Remembered(fingerprint, done)
            self.remembered[command_id] = self.commands[command_id]
        return done

    def withdraw(self) -> None:
        """Takes back all that was entered; nothing of it is to be stored."""
        self.head -= len(self.rows)
        self.rows, self.remembered, self.moved = [], {}, {}

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.rows or self.remembered or self.moved)

    def _check_versions(self, staged: Staged) -> None:
        mine: dict[UUID, int] = {}
        for stream, expected, after in staged.spans:
            actual = mine.get(stream, self.versions.get(stream))
            if staged.gaps:
                fits = actual is None or actual <= expected
            else:
                fits = (actual or 0) == expected
            if not fits:
                raise Conflict(stream, expected, actual or 0)
            mine[stream] = after

    def _enter_claims(self, staged: Staged) -> None:
        moved: dict[bytes, UUID | None] = {}
        for key, claim in staged.releases:
            if self.owners.get(key) == claim.owner:
                moved[key] = None
        for key, claim in staged.claims:
            holder = moved.get(key, self.owners.get(key))
            if holder is not None and holder != claim.owner:
                raise ClaimTaken(claim.kind, holder)
            if holder is None:
                moved[key] = claim.owner
        for key, owner in moved.items():
            if owner is None:
                self.owners.pop(key, None)
            else:
                self.owners[key] = owner
        self.moved |= moved

    def _enter_facts(self, staged: Staged) -> Appended:
        versions: dict[UUID, int] = {}
        for fact in staged.facts:
            self.head += 1
            self.rows.append(_row(staged.envelope, fact, self.head, self.now))
            self.versions[fact.stream] = versions[fact.stream] = fact.version
        names = tuple(fact.topic.partition("/")[0] for fact in staged.facts)
        return Appended(self.head, versions, names)


def _row(envelope: Envelope, fact: Fact, position: int, now: datetime) -> Row:
    return (
        fact.topic,
        fact.state,
        position,
        fact.stream,
        fact.version,
        now,
        envelope.occurred_at or now,
        envelope.actor,
        envelope.command_id,
        envelope.correlation_id,
        envelope.on_behalf_of,
        envelope.reason,
        envelope.source,
        envelope.causation_id,
        envelope.batch_id,
        list(fact.subjects),
    )


def recorded(row: Sequence[Any]) -> Recorded[Any]:
    """The event behind a stored row.

    Raises:
        UnreadableEvent: this code does not know it.
    """
    rest = (*row[2:15], tuple(row[15]))
    return Recorded(decode(row[0], row[1]), *rest)


def by_stream(events: Iterable[Recorded[Any]]) -> dict[UUID, list[Recorded[Any]]]:
    """Events gathered by stream, each in the order given."""
    streams: dict[UUID, list[Recorded[Any]]] = {}
    for it in events:
        streams.setdefault(it.stream, []).append(it)
    return streams

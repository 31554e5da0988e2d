"""Judging entries: what the log holds, what an entry asks of it, and what it adds."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.kernel import Recorded
from event_store.codec import encode_apart
from event_store.keys import Key, Keys, PersonErased, pseudonym
from event_store.sealing import Place, seal
from event_store.store import (
    Appended,
    Claim,
    ClaimTaken,
    Conflict,
    Entry,
    Envelope,
    Erasure,
    KeyReused,
    Write,
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
    sealed_under: frozenset[tuple[UUID, int]] = frozenset()
    """The keys that it needs to be there, by person and revision."""
    erases: tuple[tuple[bytes, Erasure], ...] = ()
    readmits: tuple[bytes, ...] = ()
    """Persons by the names that their fences have, as in ``erases``."""
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


@dataclass(frozen=True, slots=True)
class Stager:
    """Makes entries ready. All that is costly or can fail for an entry's own sake is here."""

    workspace: str
    claim_key: bytes
    keys: Keys

    def stage(self, entries: Sequence[Entry]) -> list[Staged]:
        """Encodes, seals and digests; keys that are not there yet are made together.

        Raises: PersonErased, PersonalDataLocked.
        """
        drafts = [_drafts(entry) for entry in entries]
        persons = {d.person for entry in drafts for d in entry if d.personal is not None}
        keys = self.keys.for_writing(persons) if persons else {}
        return [self._staged(*pair, keys) for pair in zip(entries, drafts, strict=True)]

    def _staged(self, entry: Entry, drafts: Sequence[_Draft], keys: Mapping[UUID, Key]) -> Staged:
        used = (keys[d.person] for d in drafts if d.personal is not None)
        known = entry.fingerprint
        return Staged(
            entry.envelope,
            tuple([self._fact(draft, keys) for draft in drafts]),
            tuple((w.stream, w.expected, w.expected + len(w.events)) for w in entry.writes),
            self._keyed(entry.claims),
            self._keyed(entry.releases),
            fingerprint_digest(self.claim_key, known) if known is not None else None,
            frozenset((key.subject, key.revision) for key in used),
            tuple((pseudonym(self.claim_key, e.person), e) for e in entry.erases),
            tuple(pseudonym(self.claim_key, person) for person in entry.readmits),
        )

    def _fact(self, draft: _Draft, keys: Mapping[UUID, Key]) -> Fact:
        write, state = draft.write, draft.impersonal
        if draft.personal is not None:
            place = Place(self.workspace, write.stream, draft.version, draft.topic)
            state = seal(state, draft.personal, keys[draft.person], place)
        return Fact(write.stream, draft.version, draft.topic, state, write.subjects)

    def _keyed(self, claims: Collection[Claim]) -> tuple[tuple[bytes, Claim], ...]:
        return tuple((claim_digest(self.claim_key, c.kind, c.value), c) for c in claims)


class _Draft(NamedTuple):
    """An event encoded, but not sealed."""

    write: Write
    person: UUID
    version: int
    topic: str
    impersonal: bytes
    personal: bytes | None


def _drafts(entry: Entry) -> list[_Draft]:
    return [
        _Draft(w, w.person or w.stream, version, event.__event__.topic, *encode_apart(event))
        for w in entry.writes
        for version, event in enumerate(w.events, start=w.expected + 1)
    ]


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


class Erased(NamedTuple):
    """A person whose keys go."""

    person: UUID
    through: int
    """The last revision of their keys."""
    fingerprints: frozenset[bytes]


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
    keys: dict[tuple[UUID, int], bytes] = field(default_factory=dict)
    """Fingerprints of the keys at hand: those that entries are sealed under or destroy."""
    rows: list[Row] = field(default_factory=list)
    """What was accepted, in log order."""
    remembered: dict[UUID, Remembered] = field(default_factory=dict)
    """Commands that were accepted and are to be remembered."""
    moved: dict[bytes, UUID | None] = field(default_factory=dict)
    """Claims that were accepted: the new owner, or None where a value was given back."""
    erased: dict[bytes, Erased] = field(default_factory=dict)
    """Erasures that were accepted, by the names of fences."""
    readmitted: list[bytes] = field(default_factory=list)

    def accept(self, staged: Staged) -> Appended:
        """Enters an entry, or refuses it and stays as it was.

        Raises: Conflict, ClaimTaken, KeyReused.
        """
        command_id, fingerprint = staged.envelope.command_id, staged.fingerprint
        if fingerprint is not None and (known := self.commands.get(command_id)):
            return known.answer(fingerprint)
        self._check_versions(staged)
        self._check_keys(staged)
        self._enter_claims(staged)
        self._enter_erasures(staged)
        done = self._enter_facts(staged)
        if fingerprint is not None:
            self.commands[command_id] = Remembered(fingerprint, done)
            self.remembered[command_id] = self.commands[command_id]
        return done

    def withdraw(self) -> None:
        """Takes back all that was entered; nothing of it is to be stored."""
        self.head -= len(self.rows)
        self.rows, self.remembered, self.moved = [], {}, {}
        self.erased, self.readmitted = {}, []

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.rows or self.remembered or self.moved or self.erased or self.readmitted)

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

    def _check_keys(self, staged: Staged) -> None:
        """Nothing is stored under a key that was destroyed since, nor a key destroyed unseen."""
        gone = {key[0] for key in staged.sealed_under if key not in self.keys}
        if gone:
            raise PersonErased(gone)
        for _, erasure in staged.erases:
            if self._fingerprints(erasure.person) != erasure.fingerprints:
                stream, expected, _ = staged.spans[0]
                raise Conflict(stream, expected, expected)

    def _fingerprints(self, person: UUID) -> frozenset[bytes]:
        return frozenset(print_ for (of, _), print_ in self.keys.items() if of == person)

    def _enter_erasures(self, staged: Staged) -> None:
        for name, erasure in staged.erases:
            mine = {of: print_ for of, print_ in self.keys.items() if of[0] == erasure.person}
            through = max((revision for _, revision in mine), default=0)
            self.erased[name] = Erased(erasure.person, through, frozenset(mine.values()))
            self.keys = {of: p for of, p in self.keys.items() if of not in mine}
            self.moved |= {k: None for k, owner in self.owners.items() if owner == erasure.person}
        self.readmitted.extend(staged.readmits)

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


def by_stream(events: Iterable[Recorded[Any]]) -> dict[UUID, list[Recorded[Any]]]:
    """Events gathered by stream, each in the order given."""
    streams: dict[UUID, list[Recorded[Any]]] = {}
    for it in events:
        streams.setdefault(it.stream, []).append(it)
    return streams

"""The one way in and out of the log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.kernel import NOW, Cut, Event, Recorded

PAGE_MAX = 5_000
"""The most events that one read from the log returns."""


class Envelope(msgspec.Struct, frozen=True):
    """Who asks for what a command does, why, and through which door. See ``Recorded``."""

    actor: str
    command_id: UUID
    correlation_id: UUID
    occurred_at: datetime | None = None
    """When it was true; None means the moment of recording."""
    on_behalf_of: str | None = None
    reason: str | None = None
    source: str | None = None
    causation_id: UUID | None = None
    batch_id: UUID | None = None


class Write(msgspec.Struct, frozen=True):
    """New events for one stream."""

    stream: UUID
    expected: int
    """The version that the decision was made on: 0 for a stream that is not there yet."""
    events: tuple[Event, ...]
    subjects: tuple[UUID, ...] = ()
    person: UUID | None = None
    """Whose key seals the personal fields; None means that of the stream itself."""


class Claim(msgspec.Struct, frozen=True):
    """A value that one record may hold at a time, such as an e-mail address.

    It is stored under an HMAC beside the log, never in it, so that it can be deleted.
    """

    kind: str
    value: str
    owner: UUID


class Erasure(msgspec.Struct, frozen=True):
    """That a person is to be forgotten: their keys and claims are destroyed, and a fence is put
    up in their place, in the same transaction as the events that say so."""

    person: UUID
    fingerprints: frozenset[bytes] = frozenset()
    """Of the keys that the decision knew of; others than those are a conflict."""


class Entry(msgspec.Struct, frozen=True):
    """All that one command does: it is appended whole or not at all."""

    envelope: Envelope
    writes: tuple[Write, ...]
    claims: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()
    fingerprint: bytes | None = None
    """Digest of the command's name and content. Where given, the command id is remembered with
    its outcome, and the same id answers with it from then on."""
    erases: tuple[Erasure, ...] = ()
    readmits: tuple[UUID, ...] = ()
    """Erased persons who may have a key again: a new one."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A named note of how far a job has come, stored in the same transaction as its events."""

    name: str
    value: dict[str, Any]


class Appended(msgspec.Struct, frozen=True):
    """Where an entry came to rest."""

    position: int
    """Of its last event; for an entry without events the head of the log at that time."""
    versions: dict[UUID, int] = {}
    """The version of each stream that it wrote."""
    events: tuple[str, ...] = ()
    """Names of the events, in order."""
    repeated: bool = False
    """True if the command id had been carried out before and this is its first outcome."""


class Conflict(Exception):
    """Someone else wrote to the stream first."""

    def __init__(self, stream: UUID, expected: int, actual: int) -> None:
        super().__init__(f"{stream} is at version {actual}, not {expected}")
        self.stream, self.expected, self.actual = stream, expected, actual


class ClaimTaken(Exception):
    """Another record holds the value."""

    def __init__(self, kind: str, owner: UUID) -> None:
        super().__init__(f"the {kind} belongs to {owner}")
        self.kind, self.owner = kind, owner


class KeyReused(Exception):
    """The idempotency key was used before, for a different command."""


class TooBusy(Exception):
    """The queue of appends is full; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: float = 1.0) -> None:
        super().__init__("too many commands are waiting to be stored")
        self.retry_after = retry_after


class Unavailable(Exception):
    """The database cannot be reached. An append may have been stored or not; the same command
    id, sent again, tells."""


class EventStore(ABC):
    """The append-only log of one workspace. Safe to share between threads."""

    @abstractmethod
    def append(self, entry: Entry) -> Appended:
        """Appends one command's events durably; concurrent callers share a commit.

        Raises:
            Conflict: a stream is not at the expected version.
            ClaimTaken: another record holds a claimed value.
            KeyReused: the command id is known with another fingerprint.
            PersonErased: personal data of somebody who was erased is to be stored.
            PersonalDataLocked: personal data is to be stored, and the keys cannot be had.
            TooBusy: the bounded queue is full.
            Unavailable: the database cannot be reached, as for every other method.
        """

    @abstractmethod
    def append_all(
        self, entries: Sequence[Entry], checkpoint: Checkpoint | None = None
    ) -> list[Appended]:
        """Appends many commands' events in one transaction by COPY: all of them or none.

        Later entries may build on earlier ones (their ``expected`` counts what those write).

        Raises: as ``append``.
        """

    @abstractmethod
    def read(self, stream: UUID, *, upto: int | None = None) -> list[Recorded[Any]]:
        """A stream's events in order, up to and with version ``upto``."""

    @abstractmethod
    def read_many(self, streams: Collection[UUID]) -> dict[UUID, list[Recorded[Any]]]:
        """Several streams at once; a stream without events is absent."""

    @abstractmethod
    def by_subject(
        self,
        *subjects: UUID,
        cut: Cut = NOW,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Recorded[Any]]:
        """Events that concern any of these contacts, accounts and leads, each event once.

        Without ``limit``: all of them before the cut, oldest first. With ``limit``: the newest
        ones below position ``before``, newest first.
        """

    @abstractmethod
    def page(
        self,
        after: int,
        limit: int = PAGE_MAX,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
    ) -> list[Recorded[Any]]:
        """Events after a position in log order, at most ``limit``; only those of the given
        names where named. Gap-free: an event below a returned position never appears later."""

    @abstractmethod
    def head(self) -> int:
        """The position of the newest event; 0 in an empty log."""

    @abstractmethod
    def wait(self, after: int, timeout: float) -> int:
        """Waits, at most ``timeout`` seconds, for an event after the position. Returns the head."""

    @abstractmethod
    def owners(self, claims: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
        """The records that hold claimed values, by ``(kind, value)``; free ones are absent."""

    def outcome(self, command_id: UUID, fingerprint: bytes) -> Appended | None:
        """What a remembered command did (``repeated`` is True), or None if it is new.

        Raises:
            KeyReused: the command id is known with another fingerprint.
        """
        return self.outcomes({command_id: fingerprint}).get(command_id)

    @abstractmethod
    def outcomes(self, commands: Mapping[UUID, bytes]) -> dict[UUID, Appended]:
        """The same for many, by command id and fingerprint; new ones are absent."""

    @abstractmethod
    def key_fingerprints(self, persons: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        """What tells each person's keys from others."""

    @abstractmethod
    def keys_missing(self) -> str | None:
        """Why personal data can be neither read nor stored, if it cannot."""

    @abstractmethod
    def forget_keys(self) -> None:
        """Drops all keys that are open here. Those that are still there are opened again."""

    @abstractmethod
    def checkpoint(self, name: str) -> dict[str, Any] | None:
        """The last stored checkpoint of that name."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of connections and threads. Appends that were accepted are finished first."""

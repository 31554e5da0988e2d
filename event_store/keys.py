"""The keys of people: one for each, made when something personal is first said of them, and
destroyed when they are to be forgotten."""

from __future__ import annotations

import hashlib
import hmac
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.kernel import Refused, Withheld

KEY_BYTES = 32
NOBODY = UUID(int=0)
CACHED_MAX = 50_000
"""How many keys are kept open in memory."""


class PersonErased(Refused):
    """The data of this person was erased. New data needs their return to be allowed first."""

    def __init__(self, persons: Collection[UUID] = ()) -> None:
        self.persons = frozenset(persons)
        super().__init__(persons=", ".join(sorted(map(str, persons))))


class PersonalDataLocked(Refused):
    """Personal data can be neither read nor stored now: {why}."""


@dataclass(frozen=True, slots=True)
class Key:
    """A person's key, open."""

    subject: UUID
    revision: int
    secret: bytes
    cipher: AESGCM
    id: str

    @classmethod
    def of(cls, subject: UUID, revision: int, secret: bytes) -> Key:
        return cls(subject, revision, secret, AESGCM(secret), f"{subject}.{revision}")

    @property
    def fingerprint(self) -> bytes:
        """Tells the key from others, and tells nothing else of it."""
        return hashlib.sha256(b"key|" + self.secret).digest()


def new_secret() -> bytes:
    return os.urandom(KEY_BYTES)


def parse_key_id(key_id: str) -> tuple[UUID, int]:
    """Whose key it is, and which of theirs. What is no id of a key is that of a key that nobody
    has."""
    subject, _, revision = key_id.partition(".")
    try:
        return UUID(subject), int(revision)
    except ValueError:
        return NOBODY, 0


def pseudonym(claim_key: bytes, subject: UUID) -> bytes:
    """Under which a fence names a person: without ``claim_key`` nobody can tell whom."""
    return hmac.digest(claim_key, b"fence|" + subject.bytes, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Fence:
    """What stays of an erasure beside the log, so that nobody undoes it."""

    erased_through: int
    """No key up to this revision is ever used again."""
    fingerprints: frozenset[bytes]
    """Of the keys that were destroyed: none of them is, under whatever revision it comes back."""
    new_key_allowed: bool = False

    def stops(self, revision: int, fingerprint: bytes | None = None) -> bool:
        return revision <= self.erased_through or fingerprint in self.fingerprints


class Keys(ABC):
    """Open keys, kept until they are erased. Safe to share between threads.

    That there is no key has three meanings: a state without a key's id was never sealed; a fence
    says that the key was destroyed; with neither, it has not been made yet, or it is lost.
    """

    def __init__(self) -> None:
        self._writing: dict[UUID, Key] = {}
        self._reading: dict[str, Key | Withheld] = {}
        self._turn = 0
        self._lock = Lock()
        self._wanted: set[UUID] = set()
        self._making = Lock()

    def for_writing(self, subjects: Collection[UUID]) -> dict[UUID, Key]:
        """The newest key of each; made where there is none yet.

        Raises:
            PersonErased: one of them was erased, and has not been allowed to return.
            PersonalDataLocked: the keys cannot be had.
        """
        known = {s: key for s in subjects if (key := self._writing.get(s))}
        missing = [s for s in dict.fromkeys(subjects) if s not in known]
        return known | self._made(missing) if missing else known

    def _made(self, missing: list[UUID]) -> dict[UUID, Key]:
        """Makes them together with those that others wait for meanwhile."""
        with self._lock:
            self._wanted.update(missing)
        with self._making:
            known = {s: key for s in missing if (key := self._writing.get(s))}
            rest = [s for s in missing if s not in known]
            if not rest:
                return known
            with self._lock:
                turn, everybodys = self._turn, [*{*rest, *self._wanted}]
                self._wanted.clear()
            try:
                made = self._make(everybodys)
            except PersonErased:
                made = self._make(rest)  # unless it is one of these, it is not our affair
            self._keep(turn, made.values())
            return known | {s: made[s] for s in rest}

    def for_reading(self, ids: Collection[str]) -> dict[str, Key | Withheld]:
        """The keys of those ids, or why there is none."""
        known = {i: key for i in ids if (key := self._reading.get(i))}
        missing = [i for i in ids if i not in known]
        if missing:
            turn = self._turn
            found = self._find(missing)
            with self._lock:
                if turn == self._turn:
                    self._make_room(self._reading, len(found))
                    self._reading |= {i: k for i, k in found.items() if isinstance(k, Key)}
            known |= found
        return known

    def forget(self) -> None:
        """Drops every open key."""
        with self._lock:
            self._turn += 1  # what is being fetched now is not kept
            self._writing.clear()
            self._reading.clear()

    def _keep(self, turn: int, keys: Iterable[Key]) -> None:
        kept = list(keys)
        with self._lock:
            if turn == self._turn:
                self._make_room(self._writing, len(kept))
                self._writing |= {key.subject: key for key in kept}

    @staticmethod
    def _make_room(cache: dict[UUID, Key] | dict[str, Key | Withheld], more: int) -> None:
        if len(cache) + more > CACHED_MAX:
            cache.clear()

    @abstractmethod
    def _make(self, subjects: Collection[UUID]) -> dict[UUID, Key]:
        """As ``for_writing``, of those that are not open."""

    @abstractmethod
    def _find(self, ids: Collection[str]) -> dict[str, Key | Withheld]:
        """As ``for_reading``, of those that are not open."""

    @abstractmethod
    def fingerprints(self, subjects: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        """Those of each person's keys."""


class MemoryKeys(Keys):
    """Keys in memory: the double that tests use."""

    def __init__(self, claim_key: bytes) -> None:
        super().__init__()
        self._claim_key = claim_key
        self.keys: dict[UUID, dict[int, Key]] = {}
        self.fences: dict[bytes, Fence] = {}

    def _fence(self, subject: UUID) -> Fence | None:
        return self.fences.get(pseudonym(self._claim_key, subject))

    def _make(self, subjects: Collection[UUID]) -> dict[UUID, Key]:
        with self._lock:
            stopped = [s for s in subjects if not self._live(s) and not self._may_be_made(s)]
            if stopped:
                raise PersonErased(stopped)
            return {s: self._live(s) or self._new(s) for s in subjects}

    def _live(self, subject: UUID) -> Key | None:
        revisions = self.keys.get(subject)
        return revisions[max(revisions)] if revisions else None

    def _may_be_made(self, subject: UUID) -> bool:
        fence = self._fence(subject)
        return fence is None or fence.new_key_allowed

    def _new(self, subject: UUID) -> Key:
        fence = self._fence(subject)
        revision = fence.erased_through + 1 if fence else 1
        key = Key.of(subject, revision, new_secret())
        self.keys.setdefault(subject, {})[revision] = key
        return key

    def _find(self, ids: Collection[str]) -> dict[str, Key | Withheld]:
        return {i: self._found(i) for i in ids}

    def _found(self, key_id: str) -> Key | Withheld:
        subject, revision = parse_key_id(key_id)
        fence = self._fence(subject)
        if fence is not None and fence.stops(revision):
            return "erased"
        return self.keys.get(subject, {}).get(revision, "unreadable")

    def fingerprints(self, subjects: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        return {
            s: frozenset(key.fingerprint for key in self.keys.get(s, {}).values()) for s in subjects
        }

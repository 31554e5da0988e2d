"""The log in memory, over the library's in-memory recorder: the double that tests use."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Condition
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from eventsourcing.popo import POPOApplicationRecorder

from domain.kernel import NOW, Cut, Recorded
from event_store.keys import Fence, MemoryKeys
from event_store.ledger import (
    Ledger,
    Remembered,
    Row,
    Staged,
    Stager,
    by_stream,
    claim_digest,
    fingerprint_digest,
)
from event_store.sealing import Reader
from event_store.store import PAGE_MAX, Appended, Checkpoint, Entry, EventStore, Unavailable


class MemoryEventStore(EventStore):
    """The semantics of the log without its durability. ``recorder`` is the library's, for
    those who read the log through it."""

    def __init__(self) -> None:
        self.recorder = POPOApplicationRecorder()
        self._claim_key = os.urandom(32)
        self.keys = MemoryKeys(self._claim_key)
        self._stager = Stager("memory", self._claim_key, self.keys)
        self._reader = Reader("memory", self.keys)
        self._rows: list[Row] = []
        self._streams: dict[UUID, list[int]] = {}
        self._subjects: dict[UUID, list[int]] = {}
        self._commands: dict[UUID, Remembered] = {}
        self._owners: dict[bytes, UUID] = {}
        self._checkpoints: dict[str, dict[str, Any]] = {}
        self._grown = Condition()
        self._closed = False

    def append(self, entry: Entry) -> Appended:
        return self.append_all([entry])[0]

    def append_all(
        self, entries: Sequence[Entry], checkpoint: Checkpoint | None = None
    ) -> list[Appended]:
        staged = self._stager.stage(entries)
        with self._grown:
            if self._closed:
                raise Unavailable("the log is closed")
            ledger = self._ledger(staged)
            done = [ledger.accept(one) for one in staged]
            self._store(ledger)
            if checkpoint is not None:
                self._checkpoints[checkpoint.name] = checkpoint.value
            self._grown.notify_all()
        return done

    def _ledger(self, staged: Sequence[Staged]) -> Ledger:
        latest = self._rows[-1][5] if self._rows else datetime.min.replace(tzinfo=UTC)
        streams = {stream for one in staged for stream in one.streams}
        commands = {one.envelope.command_id for one in staged}
        keys = {key for one in staged for key in one.keys}
        persons = {person for one in staged for person, _ in one.sealed_under}
        persons |= {erasure.person for one in staged for _, erasure in one.erases}
        return Ledger(
            len(self._rows),
            max(datetime.now(UTC), latest),
            {s: self._rows[self._streams[s][-1] - 1][4] for s in streams & self._streams.keys()},
            {c: self._commands[c] for c in commands & self._commands.keys()},
            {k: self._owners[k] for k in keys & self._owners.keys()},
            {
                (person, revision): key.fingerprint
                for person in persons & self.keys.keys.keys()
                for revision, key in self.keys.keys[person].items()
            },
        )

    def _store(self, ledger: Ledger) -> None:
        self.recorder.insert_events([StoredEvent(r[3], r[4], r[0], r[1]) for r in ledger.rows])
        for row in ledger.rows:
            self._rows.append(row)
            self._streams.setdefault(row[3], []).append(row[2])
            for subject in set(row[15]):
                self._subjects.setdefault(subject, []).append(row[2])
        self._commands |= ledger.remembered
        self._erase(ledger)
        for key, owner in ledger.moved.items():
            if owner is None:
                self._owners.pop(key, None)
            else:
                self._owners[key] = owner

    def _erase(self, ledger: Ledger) -> None:
        fences = self.keys.fences
        for name, it in ledger.erased.items():
            before = fences.get(name, Fence(0, frozenset()))
            through = max(before.erased_through, it.through)
            fences[name] = Fence(through, before.fingerprints | it.fingerprints)
            self.keys.keys.pop(it.person, None)
            self._owners = {k: owner for k, owner in self._owners.items() if owner != it.person}
        for name in ledger.readmitted:
            if name in fences:
                fences[name] = replace(fences[name], new_key_allowed=True)
        if ledger.erased:
            self.keys.forget()

    def read(self, stream: UUID, *, upto: int | None = None) -> list[Recorded[Any]]:
        with self._grown:
            rows = [self._rows[p - 1] for p in self._streams.get(stream, ())]
        return self._reader.read([row for row in rows if upto is None or row[4] <= upto])

    def read_many(self, streams: Collection[UUID]) -> dict[UUID, list[Recorded[Any]]]:
        return by_stream(it for stream in set(streams) for it in self.read(stream))

    def by_subject(
        self,
        *subjects: UUID,
        cut: Cut = NOW,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Recorded[Any]]:
        with self._grown:
            positions = {p for subject in subjects for p in self._subjects.get(subject, ())}
            rows = [self._rows[p - 1] for p in sorted(positions)]
        found = self._reader.read([row for row in rows if before is None or row[2] < before])
        held = [it for it in found if cut.holds(it)]
        return held if limit is None else held[::-1][:limit]

    def page(
        self,
        after: int,
        limit: int = PAGE_MAX,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
    ) -> list[Recorded[Any]]:
        wanted = None if names is None else frozenset(names)
        page: list[Row] = []
        with self._grown:
            rows = self._rows[max(after, 0) : upto]
        for row in rows:
            if len(page) == min(limit, PAGE_MAX):
                break
            if wanted is None or row[0].rpartition("/")[0] in wanted:
                page.append(row)
        return self._reader.read(page)

    def head(self) -> int:
        return len(self._rows)

    def wait(self, after: int, timeout: float) -> int:
        with self._grown:
            self._grown.wait_for(lambda: len(self._rows) > after or self._closed, timeout)
            return len(self._rows)

    def owners(self, claims: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
        keys = {claim: claim_digest(self._claim_key, *claim) for claim in claims}
        with self._grown:
            return {c: self._owners[key] for c, key in keys.items() if key in self._owners}

    def outcomes(self, commands: Mapping[UUID, bytes]) -> dict[UUID, Appended]:
        with self._grown:
            known = {c: self._commands[c] for c in commands if c in self._commands}
        return {
            c: it.answer(fingerprint_digest(self._claim_key, commands[c]))
            for c, it in known.items()
        }

    def key_fingerprints(self, persons: Collection[UUID]) -> dict[UUID, frozenset[bytes]]:
        return self.keys.fingerprints(persons)

    def keys_missing(self) -> str | None:
        return None

    def forget_keys(self) -> None:
        self.keys.forget()

    def checkpoint(self, name: str) -> dict[str, Any] | None:
        return self._checkpoints.get(name)

    def close(self) -> None:
        with self._grown:
            self._closed = True
            self._grown.notify_all()

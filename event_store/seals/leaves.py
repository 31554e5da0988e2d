"""An event as it is sealed: everything that is stored about it, in bytes.

The bytes are those stored, never written anew from what they mean, and no column is left out: a
column that is not sealed could be altered unseen. Each leaf names the one before it in its
stream, so that a stream's leaves show by themselves that none is missing between them.

The layout, all numbers big-endian::

    "rapport.event/1"
    position, version                      8 bytes each
    recorded at, occurred at               8 bytes each, signed, microseconds since 1970
    stream, command id, correlation id     16 bytes each
    the lengths of the eleven that follow  4 bytes each; 0xFFFFFFFF says that there is none
    workspace, topic, state, actor, on behalf of, reason, source, causation id, batch id,
    subjects, hash of the leaf before
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from event_store.seals.merkle import HASH_BYTES
from event_store.seals.reasons import MalformedLeaf

LABEL = b"rapport.event/1"
"""Says what the bytes are and how they are laid out; another layout gets another number."""

_FIXED = struct.Struct(">QQqq16s16s16s11I")
_NUMBERS = 7
_NONE = 0xFFFFFFFF
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400
_UUID_BYTES = 16


class Leaf(msgspec.Struct, frozen=True):
    """A stored event, its workspace, and the leaf before it in its stream.

    The fields up to ``subjects`` are the columns of the log in their order. See ``Recorded``.
    """

    topic: str
    state: bytes
    position: int
    stream: UUID
    version: int
    recorded_at: datetime
    occurred_at: datetime
    actor: str
    command_id: UUID
    correlation_id: UUID
    on_behalf_of: str | None
    reason: str | None
    source: str | None
    causation_id: UUID | None
    batch_id: UUID | None
    subjects: tuple[UUID, ...]
    workspace: str
    """The log that it belongs to, so that it cannot be shown as one of another."""
    previous: bytes | None
    """The hash of the leaf before it in its stream; None for the first."""

    @classmethod
    def of(cls, row: Sequence[Any], workspace: str, previous: bytes | None) -> Leaf:
        """The leaf of a stored row, its values in the order of ``ledger.COLUMNS``."""
        values = (*row[:15], tuple(row[15]), workspace, previous)
        return cls(*values)

    def encode(self) -> bytes:
        """The bytes that are hashed. Different leaves have different bytes; a moment is the
        same in every time zone.

        Raises:
            ValueError: a time has no zone, or a number or a hash does not fit.
        """
        parts = self._parts()
        try:
            fixed = _FIXED.pack(
                self.position,
                self.version,
                _microseconds(self.recorded_at),
                _microseconds(self.occurred_at),
                self.stream.bytes,
                self.command_id.bytes,
                self.correlation_id.bytes,
                *[_NONE if part is None else len(part) for part in parts],
            )
        except struct.error as bad:
            raise ValueError(f"a number does not fit in a leaf: {bad}") from bad
        return b"".join((LABEL, fixed, *filter(None, parts)))

    def _parts(self) -> tuple[bytes | None, ...]:
        return (
            self.workspace.encode(),
            self.topic.encode(),
            self.state,
            self.actor.encode(),
            _text(self.on_behalf_of),
            _text(self.reason),
            _text(self.source),
            _id(self.causation_id),
            _id(self.batch_id),
            b"".join([subject.bytes for subject in self.subjects]),
            None if self.previous is None else _hash(self.previous),
        )

    @classmethod
    def decode(cls, data: bytes) -> Leaf:
        """The event behind a leaf's bytes.

        Raises:
            MalformedLeaf: they are none, or not as ``encode`` writes them.
        """
        if not data.startswith(LABEL):
            raise MalformedLeaf("a leaf begins with another word")
        try:
            return cls._read(data)
        except (struct.error, ValueError, OverflowError) as bad:
            raise MalformedLeaf(f"a leaf's values do not fit its layout: {bad}") from bad

    @classmethod
    def _read(cls, data: bytes) -> Leaf:
        numbers = _FIXED.unpack_from(data, len(LABEL))
        position, version, recorded_at, occurred_at = numbers[:4]
        stream, command_id, correlation_id = (UUID(bytes=it) for it in numbers[4:_NUMBERS])
        parts = _split(data[len(LABEL) + _FIXED.size :], numbers[_NUMBERS:])
        workspace, topic, state, actor, *told, cause, batch, subjects, previous = parts
        on_behalf_of, reason, source = (None if it is None else it.decode() for it in told)
        return cls(
            topic=_given(topic).decode(),
            state=_given(state),
            position=position,
            stream=stream,
            version=version,
            recorded_at=_EPOCH + timedelta(microseconds=recorded_at),
            occurred_at=_EPOCH + timedelta(microseconds=occurred_at),
            actor=_given(actor).decode(),
            command_id=command_id,
            correlation_id=correlation_id,
            on_behalf_of=on_behalf_of,
            reason=reason,
            source=source,
            causation_id=None if cause is None else UUID(bytes=cause),
            batch_id=None if batch is None else UUID(bytes=batch),
            subjects=_ids(_given(subjects)),
            workspace=_given(workspace).decode(),
            previous=None if previous is None else _hash(previous),
        )


def _microseconds(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("a time in a leaf has a zone")
    since = at - _EPOCH
    return (since.days * _DAY_SECONDS + since.seconds) * 1_000_000 + since.microseconds


def _text(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def _id(value: UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _hash(value: bytes) -> bytes:
    if len(value) != HASH_BYTES:
        raise ValueError(f"a hash has {HASH_BYTES} bytes")
    return value


def _split(data: bytes, lengths: Iterable[int]) -> list[bytes | None]:
    parts: list[bytes | None] = []
    at = 0
    for length in lengths:
        end = at if length == _NONE else at + length
        parts.append(None if length == _NONE else data[at:end])
        at = end
    if at != len(data):
        raise ValueError("the lengths do not add up")
    return parts


def _given(part: bytes | None) -> bytes:
    if part is None:
        raise ValueError("a value is missing")
    return part


def _ids(part: bytes) -> tuple[UUID, ...]:
    ends = range(0, len(part), _UUID_BYTES)
    return tuple(UUID(bytes=part[at : at + _UUID_BYTES]) for at in ends)

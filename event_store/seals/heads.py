"""The heads of all streams: how long each one is, so that no newest event can be hidden.

A Merkle tree (RFC 6962) over one entry for each stream, sorted by its id. A path to an entry
shows how far its stream goes; paths to two neighbours show that there is no stream between
them. A root alone does not say how many entries there are, so whoever publishes a root
publishes the number beside it, and whoever verifies takes both from there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from event_store.seals.merkle import EMPTY_ROOT, HASH_BYTES, Tree, leaf_hash, verify_inclusion
from event_store.seals.reasons import NotAbsent, NotIncluded

LABEL = b"rapport.head/1"
"""Says what the bytes of an entry are, so that they are never taken for those of an event."""

_ID_BYTES = 16
_ROW_BYTES = _ID_BYTES + 8 + HASH_BYTES


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of a stream.

    Raises:
        ValueError: the version or the hash is none.
    """

    stream: UUID
    version: int
    leaf: bytes
    """The hash of its leaf in the log."""

    def __post_init__(self) -> None:
        if not 0 < self.version < 2**63 or len(self.leaf) != HASH_BYTES:
            raise ValueError("a head has a version from 1 and the hash of a leaf")

    def encode(self) -> bytes:
        """The bytes that are hashed."""
        return LABEL + _row(self)


@dataclass(frozen=True, slots=True)
class Shown:
    """A head and its path in the map."""

    head: Head
    index: int
    """Among the heads, from 0."""
    path: tuple[bytes, ...]

    def verify(self, size: int, root: bytes) -> None:
        """Verifies that this is how far the stream goes, by the number of heads and their root
        as they were published.

        Raises:
            NotIncluded: it is not shown.
        """
        verify_inclusion(leaf_hash(self.head.encode()), self.index, size, self.path, root)


@dataclass(frozen=True, slots=True)
class Absent:
    """The neighbours between which a stream would stand; at an end of the map there is one."""

    before: Shown | None
    after: Shown | None

    def verify(self, stream: UUID, size: int, root: bytes) -> None:
        """Verifies that the map has no head of the stream.

        Raises:
            NotAbsent: the neighbours do not show it, or are none.
        """
        begin = self.before.index + 1 if self.before else 0
        end = self.after.index if self.after else size
        if begin != end:
            raise NotAbsent("there may be streams between the neighbours")
        if not self.before and not self.after and root != EMPTY_ROOT:
            raise NotAbsent("the map is not empty")
        if self.before and not self.before.head.stream.bytes < stream.bytes:
            raise NotAbsent("the stream does not come after the neighbour before it")
        if self.after and not stream.bytes < self.after.head.stream.bytes:
            raise NotAbsent("the stream does not come before the neighbour after it")
        try:
            for neighbour in filter(None, (self.before, self.after)):
                neighbour.verify(size, root)
        except NotIncluded as bad:
            raise NotAbsent(f"a neighbour is not in the map: {bad}") from bad


class HeadMap:
    """The heads of all streams in memory, 120 bytes each.

    An update costs a few hashes for each head that moves on. New streams cost the same as long
    as their ids come after the others', as those of version 7 do; one in the middle costs two
    hashes for each stream behind it.
    """

    def __init__(self, heads: Iterable[Head] = ()) -> None:
        self._rows = bytearray()
        """The entries, one after the other, sorted."""
        self._tree = Tree()
        self.update(heads)

    def __len__(self) -> int:
        """How many streams there are."""
        return self._tree.size

    def root(self) -> bytes:
        """The root over all heads."""
        return self._tree.root()

    def head(self, stream: UUID) -> Head | None:
        """How far a stream goes; None if there is none."""
        at = self._find(stream.bytes)
        return self._head(at) if self._id(at) == stream.bytes else None

    def update(self, heads: Iterable[Head]) -> None:
        """Sets heads, new ones and those that moved on. Of two for a stream the last counts."""
        rows = {head.stream.bytes: _row(head) for head in heads}
        added: list[bytes] = []
        for stream, row in rows.items():
            at = self._find(stream)
            if self._id(at) == stream:
                self._rows[at * _ROW_BYTES : (at + 1) * _ROW_BYTES] = row
                self._tree.replace(at, leaf_hash(LABEL + row))
            else:
                added.append(row)
        if added:
            self._insert(sorted(added))

    def prove(self, stream: UUID) -> Shown | Absent:
        """How far the stream goes, or that there is none, with what shows it."""
        at = self._find(stream.bytes)
        if self._id(at) == stream.bytes:
            return self._show(at)
        return Absent(
            self._show(at - 1) if at else None, self._show(at) if at < len(self) else None
        )

    def _insert(self, added: list[bytes]) -> None:
        first = self._find(added[0][:_ID_BYTES])
        begin = first * _ROW_BYTES
        behind = [
            bytes(self._rows[at : at + _ROW_BYTES])
            for at in range(begin, len(self._rows), _ROW_BYTES)
        ]
        del self._rows[begin:]
        self._tree.truncate(first)
        for row in sorted(behind + added):
            self._rows += row
            self._tree.append(leaf_hash(LABEL + row))

    def _find(self, stream: bytes) -> int:
        """Where the stream stands or would stand."""
        return bisect_left(range(len(self)), stream, key=self._id)

    def _id(self, at: int) -> bytes:
        return bytes(self._rows[at * _ROW_BYTES : at * _ROW_BYTES + _ID_BYTES])

    def _head(self, at: int) -> Head:
        row = bytes(self._rows[at * _ROW_BYTES : (at + 1) * _ROW_BYTES])
        stream, version = row[:_ID_BYTES], row[_ID_BYTES:-HASH_BYTES]
        return Head(UUID(bytes=stream), int.from_bytes(version), row[-HASH_BYTES:])

    def _show(self, at: int) -> Shown:
        return Shown(self._head(at), at, tuple(self._tree.inclusion(at)))


def _row(head: Head) -> bytes:
    return head.stream.bytes + head.version.to_bytes(8) + head.leaf

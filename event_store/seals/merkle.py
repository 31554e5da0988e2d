"""The Merkle tree of RFC 6962 (section 2.1): roots, proofs, and their verification.

Verification follows RFC 9162 (sections 2.1.3.2 and 2.1.4.2), which describes the same trees.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from hashlib import sha256

from event_store.seals.reasons import NotConsistent, NotIncluded, Unsound

HASH_BYTES = 32
TREE_SIZE_MAX = 2**63 - 1
"""The most leaves that a tree may claim to have."""
PROOF_HASHES_MAX = 63
"""The most hashes of a proof in the trees that may be."""
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over two others."""
    return sha256(b"\x01" + left + right).digest()


class Subtrees(ABC):
    """A tree of which the hashes of its complete subtrees are at hand.

    These never change while the tree grows, so that from them the root and the proofs follow
    for every size that the tree has had.
    """

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of leaves."""

    @abstractmethod
    def subtree(self, level: int, index: int) -> bytes:
        """The root of the ``2**level`` leaves from ``index * 2**level`` on, all of them there."""

    def root(self, size: int | None = None) -> bytes:
        """The root over the first ``size`` leaves, or over all.

        Raises:
            ValueError: the tree does not have so many.
        """
        size = self._known(size)
        return self._span(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The proof that the tree of ``size`` leaves has the leaf at ``index``: its sibling
        first, the root's child last.

        Raises:
            ValueError: the tree does not have so many leaves, or not that one.
        """
        begin, end = 0, self._known(size)
        if not 0 <= index < end:
            raise ValueError(f"there is no leaf {index} among {end}")
        path: list[bytes] = []
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(begin, middle))
                begin = middle
        return path[::-1]

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree of ``new`` leaves begins with the one of ``old`` leaves.

        Raises:
            ValueError: the tree does not have so many leaves, or ``old`` is 0: there is nothing
                to prove about the empty tree.
        """
        begin, end = 0, self._known(new)
        if not 0 < old <= end:
            raise ValueError(f"no tree of {end} leaves can be shown to begin with {old}")
        path: list[bytes] = []
        while old != end:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(begin, middle))
                begin = middle
        if begin:  # else the verifier has this hash: it is the old root
            path.append(self._span(begin, end))
        return path[::-1]

    def _known(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")
        return size

    def _span(self, begin: int, end: int) -> bytes:
        """The root over the leaves from ``begin`` to ``end``, joined from complete subtrees."""
        parts: list[bytes] = []
        while begin < end:
            level = (end - begin).bit_length() - 1
            parts.append(self.subtree(level, begin >> level))
            begin += 1 << level
        node = parts.pop()
        while parts:
            node = node_hash(parts.pop(), node)
        return node


def _split(size: int) -> int:
    """How many of the leaves are on the left: the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


class Tree(Subtrees):
    """A tree in memory, 64 bytes for each leaf."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        """A tree of leaf hashes."""
        self._levels: list[bytearray] = []
        """By level the hashes of its complete subtrees, one after the other."""
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        return len(self._levels[0]) // HASH_BYTES if self._levels else 0

    @property
    def leaves(self) -> bytes:
        """The leaf hashes, one after the other."""
        return bytes(self._levels[0]) if self._levels else b""

    def subtree(self, level: int, index: int) -> bytes:
        return _at(self._levels[level], index)

    def append(self, leaf: bytes) -> None:
        """Adds a leaf hash at the end."""
        _check_length(leaf)
        index, node = self.size, leaf
        for row in self._levels:
            row += node
            if not index & 1:
                return
            node = node_hash(_at(row, index - 1), node)
            index >>= 1
        self._levels.append(bytearray(node))

    def replace(self, index: int, leaf: bytes) -> None:
        """Puts another hash in place of a leaf's.

        Raises:
            ValueError: there is no such leaf.
        """
        _check_length(leaf)
        if not 0 <= index < self.size:
            raise ValueError(f"there is no leaf {index} among {self.size}")
        node = leaf
        for row in self._levels:
            row[index * HASH_BYTES : (index + 1) * HASH_BYTES] = node
            pair = index & ~1
            if (pair + 2) * HASH_BYTES > len(row):
                return
            node = node_hash(_at(row, pair), _at(row, pair + 1))
            index >>= 1

    def truncate(self, size: int) -> None:
        """Takes away all leaves but the first ``size``."""
        for level, row in enumerate(self._levels):
            del row[(size >> level) * HASH_BYTES :]
        while self._levels and not self._levels[-1]:
            self._levels.pop()


def _at(row: bytearray, index: int) -> bytes:
    return bytes(row[index * HASH_BYTES : (index + 1) * HASH_BYTES])


def _check_length(leaf: bytes) -> None:
    if len(leaf) != HASH_BYTES:
        raise ValueError(f"a hash has {HASH_BYTES} bytes, not {len(leaf)}")


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes of which only a few have to be in memory at a time."""
    parts: list[tuple[int, bytes]] = []
    for leaf in leaves:
        level, node = 0, leaf
        while parts and parts[-1][0] == level:
            node = node_hash(parts.pop()[1], node)
            level += 1
        parts.append((level, node))
    if not parts:
        return EMPTY_ROOT
    node = parts.pop()[1]
    while parts:
        node = node_hash(parts.pop()[1], node)
    return node


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Verifies that the tree of ``size`` leaves with that root has the leaf hash at the index.

    The size has to be as trustworthy as the root: a root alone does not say it.

    Raises:
        NotIncluded: it is not shown.
    """
    if not 0 <= index < size <= TREE_SIZE_MAX:
        raise NotIncluded(f"a tree of {size} leaves has none at {index}")
    _check_hashes(NotIncluded, leaf, root, *proof)
    node, at, last = leaf, index, size - 1
    for sibling in proof:
        if not last:
            raise NotIncluded("the proof has a hash too many")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise NotIncluded("the proof has too few hashes")
    if node != root:
        raise NotIncluded("the proof leads to another root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Verifies that the tree of ``new`` leaves begins with the tree of ``old`` leaves.

    Raises:
        NotConsistent: it is not shown. From the empty tree nothing can be shown, not even that
            it is the same.
    """
    if not 0 < old <= new <= TREE_SIZE_MAX:
        raise NotConsistent(f"no tree of {new} leaves can be shown to begin with {old}")
    if old == new:
        if proof or old_root != new_root:
            raise NotConsistent("two trees of one size are the same tree, and that needs no proof")
        return
    if not proof:
        raise NotConsistent("the proof is empty")
    _check_hashes(NotConsistent, old_root, new_root, *proof)
    # The old tree is a subtree of the new one where its size is a power of two: the proof then
    # leaves out its root, which the verifier knows.
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    _follow(path, old, new, old_root, new_root)


def _follow(path: list[bytes], old: int, new: int, old_root: bytes, new_root: bytes) -> None:
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if not last:
            raise NotConsistent("the proof has a hash too many")
        if at & 1 or at == last:
            before = node_hash(sibling, before)
            after = node_hash(sibling, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise NotConsistent("the proof has too few hashes")
    if before != old_root:
        raise NotConsistent("the proof leads to another old root")
    if after != new_root:
        raise NotConsistent("the proof leads to another new root")


def _check_hashes(reason: type[Unsound], *hashes: bytes) -> None:
    if len(hashes) > PROOF_HASHES_MAX + 2:
        raise reason(f"a proof has at most {PROOF_HASHES_MAX} hashes")
    if any(len(it) != HASH_BYTES for it in hashes):
        raise reason(f"a hash has {HASH_BYTES} bytes")

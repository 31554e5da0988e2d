"""The tree of RFC 6962: its roots, its proofs, and that nothing else is taken for one."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_store.seals.merkle import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from event_store.seals.reasons import NotConsistent, NotIncluded

DATA = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The leaves that tests of RFC 6962 have in common."""
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
SIZE_MAX = 300

sizes = st.integers(1, SIZE_MAX)
some = settings(max_examples=60, deadline=None)


def hashes(size: int) -> list[bytes]:
    """The leaf hashes of a tree in which no two are the same."""
    return [leaf_hash(number.to_bytes(4)) for number in range(size)]


TREE = Tree(hashes(SIZE_MAX))


def told_root(leaves: list[bytes]) -> bytes:
    """MTH, word for word as RFC 6962 defines it (over leaf hashes)."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    k = told_split(len(leaves))
    return sha256(b"\x01" + told_root(leaves[:k]) + told_root(leaves[k:])).digest()


def told_split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def told_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH, word for word."""
    if len(leaves) == 1:
        return []
    k = told_split(len(leaves))
    if m < k:
        return [*told_path(m, leaves[:k]), told_root(leaves[k:])]
    return [*told_path(m - k, leaves[k:]), told_root(leaves[:k])]


def told_subproof(m: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF, word for word; with ``known`` it is PROOF."""
    if m == len(leaves):
        return [] if known else [told_root(leaves)]
    k = told_split(len(leaves))
    if m <= k:
        return [*told_subproof(m, leaves[:k], known), told_root(leaves[k:])]
    return [*told_subproof(m - k, leaves[k:], False), told_root(leaves[:k])]


def flipped(data: bytes, bit: int) -> bytes:
    """The bytes with one bit turned over."""
    number = int.from_bytes(data) ^ 1 << bit
    return number.to_bytes(len(data))


def every_flip(parts: list[bytes]) -> Iterator[list[bytes]]:
    """The hashes with one bit turned over, for each bit."""
    for at, part in enumerate(parts):
        for bit in range(len(part) * 8):
            yield [*parts[:at], flipped(part, bit), *parts[at + 1 :]]


class TestTree:
    def test_has_the_roots_that_everybody_has(self) -> None:
        tree = Tree(map(leaf_hash, DATA))
        assert [tree.root(size).hex() for size in range(9)] == list(ROOTS)
        assert EMPTY_ROOT.hex() == ROOTS[0]

    @pytest.mark.parametrize("size", [*range(35), 63, 64, 65])
    def test_is_what_the_definition_says(self, size: int) -> None:
        leaves = hashes(size)
        tree = Tree(leaves)
        assert tree.size == size
        assert tree.leaves == b"".join(leaves)
        assert tree.root() == told_root(leaves)
        assert [tree.inclusion(m) for m in range(size)] == [
            told_path(m, leaves) for m in range(size)
        ]
        assert [tree.consistency(m) for m in range(1, size + 1)] == [
            told_subproof(m, leaves) for m in range(1, size + 1)
        ]

    def test_remembers_what_it_was(self) -> None:
        for size in range(SIZE_MAX):
            small = Tree(hashes(size))
            assert TREE.root(size) == small.root()
            if size:
                assert TREE.inclusion(size // 2, size) == small.inclusion(size // 2)

    def test_knows_a_leaf_from_a_node(self) -> None:
        left, right = leaf_hash(b"left"), leaf_hash(b"right")
        assert leaf_hash(left + right) != node_hash(left, right) == Tree([left, right]).root()

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 11, 16])
    def test_can_have_a_leaf_replaced(self, size: int) -> None:
        for index in range(size):
            leaves = hashes(size)
            tree = Tree(leaves)
            leaves[index] = leaf_hash(b"another")
            tree.replace(index, leaves[index])
            assert tree.root() == told_root(leaves)
            assert tree.inclusion(size - 1) == told_path(size - 1, leaves)

    @pytest.mark.parametrize("size", range(18))
    def test_can_be_cut_and_grown_again(self, size: int) -> None:
        tree = Tree(hashes(17))
        tree.truncate(size)
        assert (tree.size, tree.root()) == (size, TREE.root(size))
        for leaf in hashes(40)[size:]:
            tree.append(leaf)
        assert tree.root() == TREE.root(40)

    def test_has_nothing_beyond_its_end(self) -> None:
        tree = Tree(hashes(3))
        for ask in (
            lambda: tree.root(4),
            lambda: tree.root(-1),
            lambda: tree.inclusion(3),
            lambda: tree.inclusion(2, 2),
            lambda: tree.inclusion(-1),
            lambda: tree.consistency(4),
            lambda: tree.consistency(3, 2),
            lambda: tree.consistency(0),
            lambda: tree.replace(3, EMPTY_ROOT),
            lambda: tree.append(b"no hash"),
            lambda: tree.replace(0, b"no hash"),
        ):
            with pytest.raises(ValueError, match=r"leaf|leaves|hash"):
                ask()
        assert tree.root() == TREE.root(3)


class TestInclusion:
    @some
    @given(sizes, st.data())
    def test_is_shown_for_every_leaf(self, size: int, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, size - 1))
        leaf, root, proof = hashes(size)[index], TREE.root(size), TREE.inclusion(index, size)
        verify_inclusion(leaf, index, size, proof, root)

        bit = data.draw(st.integers(0, (len(proof) + 2) * 256 - 1))
        parts = [leaf, root, *proof]
        parts[bit // 256] = flipped(parts[bit // 256], bit % 256)
        with pytest.raises(NotIncluded):
            verify_inclusion(parts[0], index, size, parts[2:], parts[1])
        other = data.draw(st.integers(0, size).filter(lambda it: it != index))
        with pytest.raises(NotIncluded):
            verify_inclusion(leaf, other, size, proof, root)

    def test_does_not_survive_a_flipped_bit(self) -> None:
        parts = [hashes(7)[4], TREE.root(7), *TREE.inclusion(4, 7)]
        for leaf, root, *proof in every_flip(parts):
            with pytest.raises(NotIncluded, match="another root"):
                verify_inclusion(leaf, 4, 7, proof, root)

    def test_needs_exactly_its_hashes(self) -> None:
        leaf, root, proof = hashes(7)[4], TREE.root(7), TREE.inclusion(4, 7)
        with pytest.raises(NotIncluded, match="too many"):
            verify_inclusion(leaf, 4, 7, [*proof, root], root)
        with pytest.raises(NotIncluded, match="too few"):
            verify_inclusion(leaf, 4, 7, proof[:-1], root)
        with pytest.raises(NotIncluded, match="32 bytes"):
            verify_inclusion(leaf, 4, 7, [proof[0] + b"\0", *proof[1:]], root)
        with pytest.raises(NotIncluded, match="at most"):
            verify_inclusion(leaf, 4, 7, [root] * 64, root)
        with pytest.raises(NotIncluded, match="another root"):
            verify_inclusion(leaf, 4, 7, proof[::-1], root)

    @pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (0, -1), (0, 2**63)])
    def test_is_of_a_leaf_that_there_can_be(self, index: int, size: int) -> None:
        with pytest.raises(NotIncluded, match="has none"):
            verify_inclusion(EMPTY_ROOT, index, size, [], EMPTY_ROOT)

    @pytest.mark.realdata
    def test_vectors(self, vectors: Path) -> None:
        files = _files(vectors / "transparency-dev-merkle/testdata/inclusion")
        assert len(files) == 98
        assert [name for name, case in files.items() if not _as_told(case, _inclusion)] == []


class TestConsistency:
    @some
    @given(sizes, st.data())
    def test_is_shown_for_every_two_sizes(self, new: int, data: st.DataObject) -> None:
        old = data.draw(st.integers(1, new))
        parts = [TREE.root(old), TREE.root(new), *TREE.consistency(old, new)]
        verify_consistency(old, new, parts[0], parts[1], parts[2:])

        bit = data.draw(st.integers(0, len(parts) * 256 - 1))
        parts[bit // 256] = flipped(parts[bit // 256], bit % 256)
        with pytest.raises(NotConsistent):
            verify_consistency(old, new, parts[0], parts[1], parts[2:])

    @pytest.mark.parametrize(("old", "new"), [(3, 7), (4, 7), (6, 8), (8, 8)])
    def test_does_not_survive_a_flipped_bit(self, old: int, new: int) -> None:
        parts = [TREE.root(old), TREE.root(new), *TREE.consistency(old, new)]
        for before, after, *proof in every_flip(parts):
            with pytest.raises(NotConsistent, match=r"root|same tree"):
                verify_consistency(old, new, before, after, proof)

    def test_needs_exactly_its_hashes(self) -> None:
        before, after, proof = TREE.root(3), TREE.root(7), TREE.consistency(3, 7)
        with pytest.raises(NotConsistent, match="too many"):
            verify_consistency(3, 7, before, after, [*proof, after])
        with pytest.raises(NotConsistent, match="too few"):
            verify_consistency(3, 7, before, after, proof[:-1])
        with pytest.raises(NotConsistent, match="empty"):
            verify_consistency(3, 7, before, after, [])
        with pytest.raises(NotConsistent, match="32 bytes"):
            verify_consistency(3, 7, before, after, [*proof[:-1], b""])
        with pytest.raises(NotConsistent, match="another old root"):
            verify_consistency(3, 7, after, before, proof)
        with pytest.raises(NotConsistent, match="needs no proof"):
            verify_consistency(7, 7, after, after, proof)

    @pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (2, 1), (-1, 1), (1, 2**63)])
    def test_is_never_shown_from_nothing_or_back(self, old: int, new: int) -> None:
        with pytest.raises(NotConsistent, match="begin with"):
            verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])

    def test_does_not_hide_a_rewritten_leaf(self) -> None:
        leaves = hashes(20)
        leaves[5] = leaf_hash(b"rewritten")
        rewritten = Tree(leaves)
        for old in range(6, 20):
            with pytest.raises(NotConsistent):
                verify_consistency(
                    old, 20, TREE.root(old), rewritten.root(), rewritten.consistency(old)
                )

    @pytest.mark.realdata
    def test_vectors(self, vectors: Path) -> None:
        files = _files(vectors / "transparency-dev-merkle/testdata/consistency")
        assert len(files) == 98
        assert [name for name, case in files.items() if not _as_told(case, _consistency)] == []


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        str(file.relative_to(folder)): json.loads(file.read_bytes())
        for file in folder.rglob("*.json")
    }


def _as_told(case: dict[str, Any], verify: Any) -> bool:
    """Whether a case is refused or not, as its file says."""
    try:
        verify(case, [b64decode(it) for it in case["proof"] or []])
    except (NotIncluded, NotConsistent):
        return bool(case["wantErr"])
    return not case["wantErr"]


def _inclusion(case: dict[str, Any], proof: list[bytes]) -> None:
    leaf, root = b64decode(case["leafHash"]), b64decode(case["root"])
    verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)


def _consistency(case: dict[str, Any], proof: list[bytes]) -> None:
    old_root, new_root = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
    verify_consistency(case["size1"], case["size2"], old_root, new_root, proof)

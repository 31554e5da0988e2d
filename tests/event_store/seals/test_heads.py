"""The heads of all streams: how far each one goes, and that there is no other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel import new_id
from event_store.seals.heads import LABEL, Absent, Head, HeadMap, Shown
from event_store.seals.merkle import EMPTY_ROOT, Tree, leaf_hash
from event_store.seals.reasons import NotAbsent, NotIncluded

few = settings(max_examples=60, deadline=None)


def head(stream: int, version: int = 1) -> Head:
    """A head whose leaf is like no other's."""
    return Head(UUID(int=stream), version, leaf_hash(b"%d/%d" % (stream, version)))


def root_of(heads: Iterable[Head]) -> bytes:
    """The root as it is defined: of the tree of all heads, sorted."""
    ordered = sorted(heads, key=lambda it: it.stream.bytes)
    return Tree(
        leaf_hash(LABEL + it.stream.bytes + it.version.to_bytes(8) + it.leaf) for it in ordered
    ).root()


def shown(heads: HeadMap, stream: int) -> Shown:
    found = heads.prove(UUID(int=stream))
    assert isinstance(found, Shown)
    return found


def absent(heads: HeadMap, stream: int) -> Absent:
    found = heads.prove(UUID(int=stream))
    assert isinstance(found, Absent)
    return found


streams = st.integers(0, 40)
maps = st.dictionaries(streams, st.integers(1, 3)).map(
    lambda it: [head(stream, version) for stream, version in it.items()]
)


class TestMap:
    def test_without_streams_is_the_empty_tree(self) -> None:
        heads = HeadMap()
        assert (len(heads), heads.root()) == (0, EMPTY_ROOT)
        assert heads.head(UUID(int=1)) is None

    @few
    @given(st.lists(maps, max_size=4))
    def test_is_the_same_however_it_came_about(self, batches: list[list[Head]]) -> None:
        heads = HeadMap()
        known: dict[UUID, Head] = {}
        for batch in batches:
            heads.update(batch)
            known |= {it.stream: it for it in batch}
            assert (len(heads), heads.root()) == (len(known), root_of(known.values()))
        assert all(heads.head(UUID(int=n)) == known.get(UUID(int=n)) for n in range(41))

    def test_takes_the_last_of_two_heads(self) -> None:
        heads = HeadMap([head(1, 1), head(1, 2)])
        assert heads.head(UUID(int=1)) == head(1, 2)
        assert len(heads) == 1

    def test_sorts_ids_as_they_are_made(self) -> None:
        made = [Head(new_id(), 1, EMPTY_ROOT) for _ in range(300)]
        heads = HeadMap(made[:100])
        heads.update(made[100:])
        assert heads.root() == root_of(made)

    @pytest.mark.parametrize(("version", "leaf"), [(0, EMPTY_ROOT), (2**63, EMPTY_ROOT), (1, b"")])
    def test_holds_nothing_that_is_no_head(self, version: int, leaf: bytes) -> None:
        with pytest.raises(ValueError, match="version"):
            Head(UUID(int=1), version, leaf)


class TestProofs:
    @few
    @given(maps, streams)
    def test_say_of_every_stream_how_far_it_goes(self, known: list[Head], asked: int) -> None:
        heads = HeadMap(known)
        found = heads.prove(UUID(int=asked))
        if isinstance(found, Shown):
            assert found.head in known
            assert found.head.stream == UUID(int=asked)
            found.verify(len(heads), heads.root())
        else:
            assert all(it.stream != UUID(int=asked) for it in known)
            found.verify(UUID(int=asked), len(heads), heads.root())

    def test_hide_no_event(self) -> None:
        heads = HeadMap(head(stream, 5) for stream in range(9))
        earlier = replace(shown(heads, 4), head=head(4, 4))
        with pytest.raises(NotIncluded):
            earlier.verify(len(heads), heads.root())

    def test_are_of_one_place(self) -> None:
        heads = HeadMap(head(stream) for stream in range(9))
        found = shown(heads, 4)
        for wrong in (
            replace(found, index=5),
            replace(found, index=-1),
            replace(found, path=found.path[1:]),
            replace(found, path=(*found.path, EMPTY_ROOT)),
            replace(found, path=found.path[::-1]),
            replace(found, head=head(5)),
        ):
            with pytest.raises(NotIncluded):
                wrong.verify(len(heads), heads.root())
        with pytest.raises(NotIncluded):
            found.verify(len(heads), EMPTY_ROOT)

    def test_an_event_is_no_head(self) -> None:
        row = head(1).encode().removeprefix(LABEL)
        heads = HeadMap([head(1)])
        assert heads.root() == leaf_hash(LABEL + row) != leaf_hash(row)


class TestAbsence:
    HEADS = HeadMap(head(stream) for stream in range(10, 100, 10))

    def verify(self, claim: Absent, stream: int) -> None:
        claim.verify(UUID(int=stream), len(self.HEADS), self.HEADS.root())

    @pytest.mark.parametrize("stream", [0, 9, 11, 15, 89, 91, 2**128 - 1])
    def test_is_shown_by_the_neighbours(self, stream: int) -> None:
        self.verify(absent(self.HEADS, stream), stream)

    def test_is_shown_of_every_stream_in_an_empty_map(self) -> None:
        absent(HeadMap(), 1).verify(UUID(int=1), 0, EMPTY_ROOT)

    @pytest.mark.parametrize("stream", [10, 50, 90])
    def test_is_not_shown_of_a_stream_that_is_there(self, stream: int) -> None:
        for near in (stream - 1, stream + 1):
            with pytest.raises(NotAbsent, match="neighbour"):
                self.verify(absent(self.HEADS, near), stream)

    def test_needs_neighbours_with_nothing_between_them(self) -> None:
        wide = Absent(shown(self.HEADS, 40), shown(self.HEADS, 60))
        reverse = Absent(shown(self.HEADS, 50), shown(self.HEADS, 40))
        same = Absent(shown(self.HEADS, 50), shown(self.HEADS, 50))
        for claim in (wide, reverse, same):
            with pytest.raises(NotAbsent, match="between"):
                self.verify(claim, 50)

    def test_needs_both_neighbours_but_at_the_ends(self) -> None:
        middle = absent(self.HEADS, 55)
        for claim in (replace(middle, before=None), replace(middle, after=None)):
            with pytest.raises(NotAbsent, match="between"):
                self.verify(claim, 55)
        with pytest.raises(NotAbsent, match="between"):
            self.verify(Absent(None, None), 55)
        with pytest.raises(NotAbsent, match="not empty"):
            Absent(None, None).verify(UUID(int=55), 0, self.HEADS.root())

    def test_needs_neighbours_that_are_in_the_map(self) -> None:
        claim = absent(self.HEADS, 55)
        assert claim.before
        assert claim.after
        for wrong in (
            replace(claim, before=replace(claim.before, head=head(54))),
            replace(claim, after=replace(claim.after, head=head(56))),
            replace(claim, after=replace(claim.after, path=claim.before.path)),
        ):
            with pytest.raises(NotAbsent, match="not in the map"):
                self.verify(wrong, 55)

    def test_is_shown_by_the_number_that_was_published_only(self) -> None:
        last = absent(self.HEADS, 95)
        for size in range(len(self.HEADS) + 4):
            if size != len(self.HEADS):
                with pytest.raises(NotAbsent):
                    last.verify(UUID(int=95), size, self.HEADS.root())

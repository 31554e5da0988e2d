"""The tree in files: where tiles stand, what is in them, and that they never change."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from event_store.seals.checkpoints import Checkpoint, open_checkpoint
from event_store.seals.keys import SignerKey, VerifierKey
from event_store.seals.merkle import (
    HASH_BYTES,
    Tree,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from event_store.seals.notes import sign
from event_store.seals.reasons import MalformedTile, MissingTile, TileDiffers
from event_store.seals.tile_store import TileFolder
from event_store.seals.tiles import (
    ENTRY_BYTES_MAX,
    EntryBundles,
    EntryTooLong,
    TileTree,
    entries_path,
    pack_entries,
    tile_path,
    unpack_entries,
)

BIG = 70_000
"""The size of the example in the specification."""

WORDS = (
    b"one two three four five six seven eit nain ten ileven twelf threeten fourten fivten".split()
)
WORDS_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
WORDS_SIGNER = (
    "PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg"
)
"""The log of the test vectors; its keys are published with it."""


def hashes(begin: int, end: int) -> list[bytes]:
    """The leaf hashes of a log, from one index to another."""
    return [leaf_hash(number.to_bytes(4)) for number in range(begin, end)]


def published(folder: Path) -> dict[str, bytes]:
    """What a web server would serve."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not any(p.startswith(".") for p in file.relative_to(folder).parts)
    }


@pytest.fixture
def tiles(tmp_path: Path) -> TileFolder:
    return TileFolder(tmp_path / "log")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> TileFolder:
    """The log of the specification's example."""
    tiles = TileFolder(tmp_path_factory.mktemp("big"))
    TileTree(tiles).append(hashes(0, BIG))
    return tiles


class TestPaths:
    def test_are_as_in_the_specification(self) -> None:
        assert tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
        assert tile_path(63, 0) == "tile/63/000"
        assert tile_path(1, 0, 17) == "tile/1/000.p/17"
        assert tile_path(2, 1_000, 255) == "tile/2/x001/000.p/255"
        assert entries_path(999) == "tile/entries/999"
        assert entries_path(1_000_000, 1) == "tile/entries/x001/x000/000.p/1"

    @pytest.mark.parametrize(
        ("level", "index", "width"),
        [(-1, 0, 256), (64, 0, 256), (0, -1, 256), (0, 0, 0), (0, 0, 257)],
    )
    def test_are_of_tiles_that_there_can_be(self, level: int, index: int, width: int) -> None:
        with pytest.raises(ValueError, match="there is no"):
            tile_path(level, index, width)


class TestBundles:
    def test_hold_entries_of_any_length_up_to_the_limit(self) -> None:
        entries = [b"", b"one", bytes(ENTRY_BYTES_MAX), b"\0\3two"]
        assert pack_entries([b"one", b""]) == b"\0\3one\0\0"
        assert unpack_entries(pack_entries(entries)) == entries
        assert unpack_entries(b"") == []

    def test_hold_no_longer_entry(self, tiles: TileFolder) -> None:
        with pytest.raises(EntryTooLong, match="65,536"):
            EntryBundles(tiles).append([b"one", bytes(ENTRY_BYTES_MAX + 1)])
        assert published(tiles.folder) == {}

    @pytest.mark.parametrize("bundle", [b"\0", b"\0\1", b"\0\3one\0", b"\0\3one\0\3tw"])
    def test_that_end_early_are_refused(self, bundle: bytes) -> None:
        with pytest.raises(MalformedTile):
            unpack_entries(bundle)

    def test_are_published_beside_the_tiles(self, tiles: TileFolder) -> None:
        entries = [number.to_bytes(4) for number in range(600)]
        bundles = EntryBundles(tiles)
        bundles.append(entries[:300])
        bundles = EntryBundles(tiles, bundles.size)
        bundles.append(entries[300:])
        assert bundles.size == 600
        assert published(tiles.folder) == {
            "tile/entries/000": pack_entries(entries[:256]),
            "tile/entries/001": pack_entries(entries[256:512]),
            "tile/entries/002.p/88": pack_entries(entries[512:]),
        }
        assert [*bundles.read(0, 9), *bundles.read(1), *bundles.read(2, 88)] == entries[
            :9
        ] + entries[256:]

    def test_that_are_not_there_are_named(self, tiles: TileFolder) -> None:
        EntryBundles(tiles).append([b"one", b"two"])
        with pytest.raises(MissingTile, match=r"000\.p/3"):
            EntryBundles(tiles, 3)
        for wrong in (2, 4):
            tiles.write({entries_path(wrong, 3): b"\0\3one" * wrong})
            with pytest.raises(MalformedTile, match=f"entries/00{wrong}.* has {wrong}"):
                EntryBundles(tiles).read(wrong, 3)


class TestTree:
    def test_has_the_tiles_of_the_specification(self, big: TileFolder) -> None:
        files = published(big.folder)
        level_0 = [path for path in files if path.startswith("tile/0/")]
        assert len(level_0) == 273 + 1
        assert set(files) - {*level_0} == {"tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"}
        assert files["tile/0/273.p/112"] == b"".join(hashes(273 * 256, BIG))
        assert files["tile/1/000"][:HASH_BYTES] == Tree(hashes(0, 256)).root()
        assert files["tile/2/000.p/1"] == Tree(hashes(0, 65_536)).root()

    def test_is_the_tree_in_memory(self, big: TileFolder) -> None:
        tree, known, draw = TileTree(big, BIG), Tree(hashes(0, BIG)), Random(1)
        assert tree.root() == known.root()
        for _ in range(50):
            size = draw.randint(1, BIG)
            index, old = draw.randrange(size), draw.randint(1, size)
            assert tree.root(size) == known.root(size)
            assert tree.inclusion(index, size) == known.inclusion(index, size)
            assert tree.consistency(old, size) == known.consistency(old, size)

    def test_shows_what_verifies(self, big: TileFolder) -> None:
        tree = TileTree(big, BIG)
        (leaf,) = hashes(69_999, BIG)
        verify_inclusion(leaf, 69_999, BIG, tree.inclusion(69_999), tree.root())
        verify_consistency(300, BIG, tree.root(300), tree.root(), tree.consistency(300))

    @pytest.mark.parametrize("steps", [(1, 1, 1), (255, 1, 1), (256, 256), (300, 212, 1)])
    def test_can_be_closed_and_opened(self, tiles: TileFolder, steps: tuple[int, ...]) -> None:
        size = 0
        for step in steps:
            tree = TileTree(tiles, size)
            tree.append(hashes(size, size + step))
            size += step
            assert (tree.size, tree.root()) == (size, Tree(hashes(0, size)).root())
            assert TileTree(tiles, size).root() == tree.root()

    def test_of_full_tiles_only_has_no_partial_one(self, tiles: TileFolder) -> None:
        TileTree(tiles).append(hashes(0, 256))
        assert set(published(tiles.folder)) == {"tile/0/000", "tile/1/000.p/1"}

    def test_keeps_the_partial_tiles_that_checkpoints_name_until_they_are_full(
        self, tiles: TileFolder
    ) -> None:
        tree = TileTree(tiles)
        tree.append(hashes(0, 100))
        tree.append(hashes(100, 200))
        assert set(published(tiles.folder)) == {"tile/0/000.p/100", "tile/0/000.p/200"}
        tree.append(hashes(200, 257))
        assert set(published(tiles.folder)) == {*("tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1")}

    def test_goes_on_from_its_last_checkpoint_whatever_was_written_after(
        self, tiles: TileFolder
    ) -> None:
        tree = TileTree(tiles)
        tree.append(hashes(0, 100))
        tree.append(hashes(100, 300))
        before = published(tiles.folder)
        again = TileTree(tiles, 100)
        assert again.root() == Tree(hashes(0, 100)).root()
        again.append(hashes(100, 300))
        assert again.root() == tree.root()
        assert published(tiles.folder) == before

    def test_is_never_rewritten(self, tiles: TileFolder) -> None:
        TileTree(tiles).append(hashes(0, 300))
        before = published(tiles.folder)
        rewritten = [leaf_hash(b"rewritten"), *hashes(1, 600)]
        with pytest.raises(TileDiffers, match="tile/0/000"):
            TileTree(tiles).append(rewritten)
        assert published(tiles.folder) == before

    def test_needs_its_tiles(self, tiles: TileFolder) -> None:
        TileTree(tiles).append(hashes(0, 600))
        with pytest.raises(MissingTile, match=r"tile/0/002\.p/89"):
            TileTree(tiles, 601)
        (tiles.folder / "tile/0/001").unlink()
        with pytest.raises(MissingTile, match="tile/0/001"):
            TileTree(tiles, 600).inclusion(300)
        for length in (0, 8_160, 8_191, 8_193, 8_224):
            (tiles.folder / "tile/0/000").write_bytes(bytes(length))
            with pytest.raises(MalformedTile, match="tile/0/000"):
                TileTree(tiles, 600).inclusion(0)

    def test_with_nothing_new_stays_as_it_is(self, tiles: TileFolder) -> None:
        tree = TileTree(tiles)
        tree.append([])
        assert (tree.size, published(tiles.folder)) == (0, {})


class TestFolder:
    def test_is_not_disturbed_by_what_a_killed_writer_left(self, tiles: TileFolder) -> None:
        TileTree(tiles).append(hashes(0, 1))
        for name in ("0", "1", "checkpoint"):
            (tiles.folder / ".drafts" / name).write_bytes(b"half a t")
        TileTree(tiles, 1).append(hashes(1, 2))
        tiles.publish(b"a checkpoint")
        assert TileTree(tiles, 2).root() == Tree(hashes(0, 2)).root()
        assert tiles.checkpoint() == b"a checkpoint"

    def test_writes_nothing_where_one_file_cannot_be_written(self, tiles: TileFolder) -> None:
        (tiles.folder / "tile").write_bytes(b"in the way")
        with pytest.raises(OSError, match="tile"):
            tiles.write({"tile/0/000": b"data"})
        assert set(published(tiles.folder)) == {"tile"}

    def test_keeps_the_newest_checkpoint(self, tiles: TileFolder) -> None:
        assert tiles.checkpoint() is None
        tiles.publish(b"one")
        tiles.publish(b"two")
        assert tiles.checkpoint() == b"two"
        assert published(tiles.folder) == {"checkpoint": b"two"}


@pytest.mark.realdata
def test_a_log_of_others_is_made_byte_for_byte(vectors: Path, tiles: TileFolder) -> None:
    theirs = vectors / "tessera/testdata/log"
    signer, verifier = SignerKey.parse(WORDS_SIGNER), VerifierKey.parse(WORDS_KEY)
    assert signer.verifier == verifier
    tree, bundles = TileTree(tiles), EntryBundles(tiles)
    for size in range(16):
        if size:
            bundles.append([WORDS[size - 1]])
            tree.append([leaf_hash(WORDS[size - 1])])
        checkpoint = Checkpoint(verifier.name, size, tree.root())
        data = sign(checkpoint.text, signer).encode()
        assert data == (theirs / f"checkpoint.{size}").read_bytes()
        assert open_checkpoint(data, verifier.name, [verifier]).checkpoint == checkpoint
    assert published(tiles.folder / "tile") == published(theirs / "tile")
    assert len(published(theirs / "tile")) == 30

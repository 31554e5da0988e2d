"""The tree in files, laid out as C2SP has it: https://c2sp.org/tlog-tiles.

A tile holds 256 hashes, which are the leaves of a subtree of height 8: ``tile/0/...`` those of
the log's leaves, ``tile/1/...`` one for each full tile of level 0, and so on. The tile at the
right edge of a level is partial, and published under its width. What was published never
changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from event_store.seals.merkle import HASH_BYTES, Subtrees, Tree
from event_store.seals.reasons import MalformedTile, MissingTile
from event_store.seals.tile_store import TileStore

TILE_WIDTH = 256
TILE_HEIGHT = 8
LEVEL_MAX = 63
ENTRY_BYTES_MAX = 0xFFFF
"""The longest entry that a bundle can hold, by the format."""
TILES_CACHED_MAX = 256
"""Full tiles that a tree keeps in memory, each with its inner nodes: 16 KB."""


class EntryTooLong(Exception):
    """An entry is longer than the format can hold."""


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Where a tile of hashes is published: ``tile/0/x001/x234/067`` or ``tile/1/000.p/17``.

    Raises:
        ValueError: there is no such tile.
    """
    if not 0 <= level <= LEVEL_MAX:
        raise ValueError(f"there is no level {level}")
    return f"tile/{level}/{_place(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Where a bundle of entries is published: ``tile/entries/000``.

    Raises:
        ValueError: there is no such bundle.
    """
    return f"tile/entries/{_place(index, width)}"


def _place(index: int, width: int) -> str:
    if index < 0 or not 0 < width <= TILE_WIDTH:
        raise ValueError(f"there is no tile {index} of width {width}")
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    return "/".join(reversed(parts)) + (f".p/{width}" if width < TILE_WIDTH else "")


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """A bundle: each entry after its length in two bytes.

    Raises:
        EntryTooLong: an entry has more than ``ENTRY_BYTES_MAX`` bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise EntryTooLong(f"an entry of {len(entry):,} bytes does not fit in a bundle")
        parts += (len(entry).to_bytes(2), entry)
    return b"".join(parts)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        MalformedTile: it ends in the middle of one.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(bundle):
        begin = at + 2
        at = begin + int.from_bytes(bundle[at:begin])
        if begin > len(bundle) or at > len(bundle):
            raise MalformedTile("a bundle ends in the middle of an entry")
        entries.append(bundle[begin:at])
    return entries


class TileTree(Subtrees):
    """A tree whose hashes are in tiles. It holds the partial tiles in memory and reads full
    ones as they are needed. One writer at a time; after an error it is to be opened anew."""

    def __init__(self, store: TileStore, size: int = 0) -> None:
        """The tree of the first ``size`` leaves, as its last checkpoint says.

        Raises:
            MissingTile, MalformedTile: the tiles of that size are not there.
        """
        self._store = store
        self._size = size
        self._tile = lru_cache(TILES_CACHED_MAX)(self._read)
        self._edges: list[Tree] = []
        """By level the tile at the right edge, which is not full."""
        while width := size >> TILE_HEIGHT * len(self._edges):
            level = len(self._edges)
            self._edges.append(self._read(level, width // TILE_WIDTH, width % TILE_WIDTH))

    @property
    def size(self) -> int:
        return self._size

    def subtree(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile, at = divmod(index << height, TILE_WIDTH)
        if tile == self._edge(tile_level):
            return self._edges[tile_level].subtree(height, at >> height)
        return self._tile(tile_level, tile).subtree(height, at >> height)

    def append(self, leaves: Iterable[bytes]) -> None:
        """Adds leaf hashes, and publishes the tiles of the size that the tree then has. Partial
        tiles of sizes in between are not published: no checkpoint is to name those sizes.

        Raises:
            TileDiffers: other leaves were published in their place.
            OSError: the tiles cannot be written.
        """
        files: dict[str, bytes] = {}
        full: list[str] = []
        for leaf in leaves:
            full += self._add(leaf, files)
            self._size += 1
        for level, edge in enumerate(self._edges):
            if edge.size:
                files[tile_path(level, self._edge(level), edge.size)] = edge.leaves
        self._store.write(files)
        for path in full:
            self._store.drop_partials(path)

    def _add(self, node: bytes, files: dict[str, bytes]) -> list[str]:
        """Adds a leaf hash to the tile that it belongs to, and the root of each tile that is
        full by it to the one above. Returns the paths of those."""
        full: list[str] = []
        for level, edge in enumerate(self._edges):
            edge.append(node)
            if edge.size < TILE_WIDTH:
                return full
            path = tile_path(level, self._edge(level))
            files[path] = edge.leaves
            full.append(path)
            node = edge.root()
            self._edges[level] = Tree()
        self._edges.append(Tree([node]))
        return full

    def _edge(self, level: int) -> int:
        """The index of the tile at the right edge."""
        return self._size >> TILE_HEIGHT * (level + 1)

    def _read(self, level: int, index: int, width: int = TILE_WIDTH) -> Tree:
        if not width:
            return Tree()
        path = tile_path(level, index, width)
        data = _fetch(self._store, path, tile_path(level, index))
        if len(data) not in (width * HASH_BYTES, TILE_WIDTH * HASH_BYTES):
            raise MalformedTile(f"{path} has {len(data)} bytes")
        ends = range(0, width * HASH_BYTES, HASH_BYTES)
        return Tree(data[at : at + HASH_BYTES] for at in ends)


class EntryBundles:
    """The log's entries, in bundles beside the tiles of their hashes. One writer at a time;
    after an error they are to be opened anew."""

    def __init__(self, store: TileStore, size: int = 0) -> None:
        """The first ``size`` entries.

        Raises:
            MissingTile, MalformedTile: the bundle at the right edge is not there.
        """
        self._store = store
        self._size = size
        edge = size % TILE_WIDTH
        self._edge = list(self.read(size // TILE_WIDTH, edge)) if edge else []

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._size

    def append(self, entries: Iterable[bytes]) -> None:
        """Adds entries, and publishes the bundles of the size that there then is.

        Raises:
            EntryTooLong: an entry has more than ``ENTRY_BYTES_MAX`` bytes; nothing is written.
            TileDiffers: other entries were published in their place.
            OSError: the bundles cannot be written.
        """
        files: dict[str, bytes] = {}
        full: list[str] = []
        for entry in entries:
            self._edge.append(entry)
            self._size += 1
            if len(self._edge) == TILE_WIDTH:
                full.append(entries_path(self._size // TILE_WIDTH - 1))
                files[full[-1]] = pack_entries(self._edge)
                self._edge = []
        if self._edge:
            path = entries_path(self._size // TILE_WIDTH, len(self._edge))
            files[path] = pack_entries(self._edge)
        self._store.write(files)
        for path in full:
            self._store.drop_partials(path)

    def read(self, index: int, width: int = TILE_WIDTH) -> Sequence[bytes]:
        """The first ``width`` entries of a bundle.

        Raises:
            MissingTile, MalformedTile: they are not there.
        """
        path = entries_path(index, width)
        entries = unpack_entries(_fetch(self._store, path, entries_path(index)))
        if len(entries) not in (width, TILE_WIDTH):
            raise MalformedTile(f"{path} has {len(entries)} entries")
        return entries[:width]


def _fetch(store: TileStore, path: str, full: str) -> bytes:
    """A tile, from the full one where the partial one is dropped."""
    data = store.read(path)
    if data is None and path != full:
        data = store.read(full)
    if data is None:
        raise MissingTile(f"{path} is not stored")
    return data

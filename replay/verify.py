"""Verifying the whole log: every stored event against what was sealed, and all that is made of it.

Nothing here trusts the sealer: leaves are computed from the stored rows, the root from all
leaves, and each claim about the heads of streams from the events before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from domain.seals import SEALS, SealHeadsCommitted
from event_store.codec import UnreadableEvent, decode
from event_store.ledger import Row
from event_store.seals import stored
from event_store.seals.checkpoints import Checkpoint, open_checkpoint
from event_store.seals.heads import Head, HeadMap
from event_store.seals.keys import VerifierKey
from event_store.seals.lines import to_base64
from event_store.seals.merkle import leaf_hash, root_of, verify_consistency
from event_store.seals.notes import Note
from event_store.seals.reasons import (
    EventMissing,
    HeadsDiffer,
    LogDiffers,
    LogShorter,
    NotConsistent,
    RootDiffers,
    SealsMissing,
    Unsound,
)
from event_store.seals.tile_store import TileStore
from event_store.seals.tiles import TILE_HEIGHT, TILE_WIDTH, TileTree
from event_store.segments import Manifest, SegmentFolder

FINDINGS_MAX = 100
"""The most findings that are told; there may be more."""

Progress = Callable[[int, int], None]
"""Told how many events of how many are verified."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold."""

    reason: str
    """Its name: ``LogDiffers``."""
    text: str
    position: int | None = None
    """Of the event that it is about."""


@dataclass(slots=True)
class Verdict:
    """What came of verifying the log."""

    size: int = 0
    """How many events are sealed."""
    head: int = 0
    """How many there are."""
    witnesses: tuple[str, ...] = ()
    """Who of the known witnesses has cosigned."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.findings

    def find(self, bad: Unsound, position: int | None = None) -> None:
        """Adds a finding, unless there are many."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(bad.reason, str(bad), position))


def verify_log(
    dsn: str,
    tiles: TileStore,
    log_key: VerifierKey,
    witnesses: Collection[VerifierKey] = (),
    *,
    quorum: int = 0,
    since: bytes | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Compares the stored log with its seals, and the seals with each other. ``since`` is the
    signed checkpoint of an earlier audit."""
    verdict = Verdict()
    with stored.connect(dsn) as conn:
        verdict.head = stored.last_position(conn)
        checkpoint = _checkpoint(verdict, tiles, log_key, witnesses, quorum)
        if checkpoint is None:
            return verdict
        verdict.size = checkpoint.size
        try:
            tree = TileTree(tiles, checkpoint.size)
            _check_tree(verdict, tree, checkpoint)
            if since is not None:
                _check_since(verdict, tree, checkpoint, log_key, since)
            Rows(verdict, conn, tree, checkpoint, progress).check()
        except Unsound as bad:  # tiles that are not there, or not whole
            verdict.find(bad)
    return verdict


def _checkpoint(
    verdict: Verdict,
    tiles: TileStore,
    log_key: VerifierKey,
    witnesses: Collection[VerifierKey],
    quorum: int,
) -> Checkpoint | None:
    """The published checkpoint. One whose signatures do not hold is a finding, and is compared
    with the log nevertheless."""
    note = tiles.checkpoint()
    if note is None:
        verdict.find(SealsMissing("nothing is sealed, so nothing can be verified"))
        return None
    try:
        opened = open_checkpoint(note, log_key.name, [log_key], witnesses, quorum)
    except Unsound as bad:
        verdict.find(bad)
    else:
        verdict.witnesses = tuple(key.name for key in opened.cosigned)
        return opened.checkpoint
    try:
        return Checkpoint.parse(Note.parse(note).text)
    except Unsound:
        return None


def _check_tree(verdict: Verdict, tree: TileTree, checkpoint: Checkpoint) -> None:
    """Every tile follows from those below it, and the root from all."""
    for level in count():
        tiles = tree.size >> TILE_HEIGHT * (level + 1)
        for index in range(tiles):
            below = range(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)
            hashes = (tree.subtree(TILE_HEIGHT * level, at) for at in below)
            if root_of(hashes) != tree.subtree(TILE_HEIGHT * (level + 1), index):
                first = (index << TILE_HEIGHT * (level + 1)) + 1
                bad = RootDiffers(f"tile {index} of level {level} is not the one that was sealed")
                verdict.find(bad, first)
        if not tiles:
            break
    if tree.root() != checkpoint.root:
        verdict.find(RootDiffers("the tiles do not add up to the root that was signed"))


def _check_since(
    verdict: Verdict, tree: TileTree, new: Checkpoint, log_key: VerifierKey, since: bytes
) -> None:
    try:
        old = open_checkpoint(since, log_key.name, [log_key]).checkpoint
        if old.size > new.size:
            raise NotConsistent(f"the earlier audit saw {old.size} events, {new.size} are sealed")
        verify_consistency(old.size, new.size, old.root, new.root, tree.consistency(old.size))
    except Unsound as bad:
        verdict.find(bad)


class Rows:
    """The pass over all stored rows, in the order of positions."""

    def __init__(
        self,
        verdict: Verdict,
        conn: Connection[Any],
        tree: TileTree,
        checkpoint: Checkpoint,
        progress: Progress | None,
    ) -> None:
        self._verdict, self._conn, self._tree = verdict, conn, tree
        self._origin, self._size = checkpoint.origin, checkpoint.size
        self._progress = progress or (lambda _at, _of: None)
        self._map = HeadMap()
        self._heads: dict[UUID, Head] = {}
        """The newest event of each stream so far; with the hash of its leaf as sealed, so that
        one altered event is one finding."""
        self._moved: dict[UUID, Head] = {}
        """Those that are not in the map yet."""

    def check(self) -> None:
        """Finds what is missing, altered, or said wrongly about the heads."""
        said = self._all_said()
        due = next(said, None)
        expected = 1
        for row in stored.rows(self._conn, 0, self._verdict.head):
            position = row[stored.POSITION]
            if position != expected:
                self._missing(expected, position)
            expected = position + 1
            if position <= self._size:
                self._check_row(row, position)
            while due is not None and due[1].position <= position:
                self._check_heads(*due)
                due = next(said, None)
            if not position % stored.ROWS_MAX:
                self._progress(position, self._verdict.head)
        if expected <= self._size:
            bad = f"the log ends at position {expected - 1}, sealed are {self._size} events"
            self._verdict.find(LogShorter(bad), expected)

    def _missing(self, first: int, found: int) -> None:
        what = f"position {first}" if found == first + 1 else f"positions {first} to {found - 1}"
        self._verdict.find(EventMissing(f"the log has no event at {what}"), first)

    def _check_row(self, row: Row, position: int) -> None:
        stream, version = row[stored.STREAM], row[stored.VERSION]
        before = self._heads.get(stream)
        sealed = self._tree.subtree(0, position - 1)
        leaf = leaf_hash(stored.leaf_of(row, self._origin, before.leaf if before else None))
        if leaf != sealed:
            bad = f"the event at position {position}, {row[stored.TOPIC]} of {stream},"
            self._verdict.find(LogDiffers(f"{bad} is not the one that was sealed"), position)
        elif version != (before.version if before else 0) + 1:
            bad = f"the event at position {position} is version {version} of {stream}"
            self._verdict.find(EventMissing(f"{bad}, and the one before it is missing"), position)
        self._heads[stream] = self._moved[stream] = Head(stream, version, sealed)

    def _all_said(self) -> Iterator[tuple[int, SealHeadsCommitted]]:
        """What the log says about its heads, with the position where it says so."""
        for row in stored.rows_of(self._conn, [SEALS], self._size):
            try:
                fact = decode(row[stored.TOPIC], row[stored.STATE])
            except UnreadableEvent:
                continue  # it was altered, which is found anyway
            if isinstance(fact, SealHeadsCommitted):
                yield row[stored.POSITION], fact

    def _check_heads(self, at: int, said: SealHeadsCommitted) -> None:
        self._map.update(self._moved.values())
        self._moved.clear()
        if (len(self._map), to_base64(self._map.root())) != (said.streams, said.root):
            bad = f"the heads said at position {at} are not those at position {said.position}"
            self._verdict.find(HeadsDiffer(bad), at)


def verify_segments(folder: Path) -> list[Finding]:
    """Compares each sealed segment with its hash in the manifest."""
    file = folder / "manifest.json"
    if not file.exists():
        return []
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as bad:
        return [Finding("ManifestUnreadable", f"{file.name} cannot be read: {bad}")]
    segments = SegmentFolder(folder)
    return [
        Finding("SegmentDiffers", f"{it.file} is not the one that was written", it.first)
        for it in manifest.segments
        if not segments.whole(it)
    ]

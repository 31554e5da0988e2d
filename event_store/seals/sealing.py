"""Sealing: from stored rows to tiles to a signed checkpoint, each step safe to be killed in.

The order is what makes it safe. Heads are said in the log, then the tiles of the tree with
that event are written, then its root is signed, cosigned, and published. Whoever comes after a
kill opens the tree at the last published checkpoint: what was written beyond is either written
again the same, or found to differ.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.kernel import new_id
from domain.seals import SEAL, SEALS, Seals, commit_heads
from event_store import store as log
from event_store.codec import decode
from event_store.seals import stored
from event_store.seals.checkpoints import Checkpoint, open_checkpoint
from event_store.seals.cosigning import WitnessAt, cosigned
from event_store.seals.heads import Head, HeadMap
from event_store.seals.keys import SignerKey
from event_store.seals.lines import to_base64
from event_store.seals.merkle import EMPTY_ROOT, leaf_hash, verify_consistency
from event_store.seals.notes import sign
from event_store.seals.reasons import (
    LogDiffers,
    LogShorter,
    RootDiffers,
    SealedElsewhere,
    SealsMissing,
)
from event_store.seals.tile_store import TileStore
from event_store.seals.tiles import TileTree

LEAVES_MAX = 65_536
"""The most leaves that wait in memory to be written as tiles."""
REMEMBERED = "seals"
"""The note in the database of the newest checkpoint, for those without the folder."""
SEALER = "system:sealer"


class Stopped(Exception):
    """It was told to stop in the middle of long work."""


class Sealing:
    """Seals one log, by a key whose name is the log's. One at a time does, and after any error
    but ``NotWitnessed`` it is to be opened anew."""

    def __init__(
        self,
        store: log.EventStore,
        conn: Connection[Any],
        tiles: TileStore,
        key: SignerKey,
        witnesses: Sequence[WitnessAt] = (),
        *,
        quorum: int | None = None,
        stopping: threading.Event | None = None,
    ) -> None:
        """Opens the tree at the last published checkpoint. ``quorum`` of the witnesses, all
        unless given, have to cosign before a checkpoint is published.

        Raises:
            Unsound: checkpoint, tiles, and log do not belong together. The class says how.
        """
        self._store, self._conn, self._tiles, self._key = store, conn, tiles, key
        self._witnesses = tuple(witnesses)
        self._quorum = len(self._witnesses) if quorum is None else quorum
        self._stopping = stopping or threading.Event()
        self._note = tiles.checkpoint()
        self.published = self._open_published()
        self._tree = TileTree(tiles, self.published.size)
        if self._tree.root() != self.published.root:
            raise RootDiffers("the tiles do not add up to the last checkpoint")
        self._check_log()
        size = self.published.size
        self._heads = HeadMap(stored.heads(conn, size, self._leaf_at))
        self._said = self._last_said()
        self._leaves: list[bytes] = []
        """Leaf hashes that are not in the tree yet."""
        self._moved: dict[UUID, Head] = {}
        """Heads that are not in the map yet."""
        self._news = any(r[stored.STREAM] != SEALS for r in stored.rows(conn, self._since(), size))

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self._key.name

    @property
    def position(self) -> int:
        """All events up to here are leaves."""
        return self._tree.size + len(self._leaves)

    @property
    def is_behind(self) -> bool:
        """Whether there are leaves, or heads, that no published checkpoint covers."""
        return self._news or self.position > self.published.size

    def step(self) -> bool:
        """Seals what the log holds now. True if a newer checkpoint was published; where nothing
        has happened but seals, none is.

        Raises:
            NotWitnessed: too few witnesses have cosigned, so nothing is published. The next
                step asks again.
            Unsound: what is stored cannot be sealed, or must not be. The class says why.
        """
        self._take_in(stored.last_position(self._conn))
        if self._news:
            self._say_heads()
        self._write_tiles()
        if self._tree.size == self.published.size:
            return False
        self._publish()
        return True

    # --- Opening

    def _open_published(self) -> Checkpoint:
        known = self._store.checkpoint(REMEMBERED)
        if self._note is None:
            published = Checkpoint(self.origin, 0, EMPTY_ROOT)
        else:
            published = open_checkpoint(self._note, self.origin, [self._key.verifier]).checkpoint
        if known and known["size"] > published.size:
            raise SealsMissing(
                f"the log is sealed up to position {known['size']},"
                f" the folder holds seals up to {published.size}"
            )
        return published

    def _check_log(self) -> None:
        """The newest sealed event is still the one in the log, so that no old copy that was
        restored is sealed on. Earlier ones are for the audit of the whole."""
        size = self.published.size
        if not size:
            return
        newest = list(stored.rows(self._conn, size - 1, size))
        if not newest:
            raise LogShorter(f"events up to position {size} were sealed, and the last is gone")
        before = stored.position_before(self._conn, newest[0])
        previous = self._leaf_at(before - 1) if before else None
        if leaf_hash(stored.leaf_of(newest[0], self.origin, previous)) != self._leaf_at(size - 1):
            raise LogDiffers(f"the event at position {size} is not the one that was sealed")

    def _leaf_at(self, index: int) -> bytes:
        return self._tree.subtree(0, index)

    def _last_said(self) -> Seals:
        said = self._heads.head(SEALS)
        if said is None:
            return SEAL.blank
        row = stored.row_at(self._conn, SEALS, said.version)
        return SEAL.evolve(SEAL.blank, decode(row[stored.TOPIC], row[stored.STATE]))

    def _since(self) -> int:
        """The position that the last said heads are of."""
        return self._said.position

    # --- A step

    def _take_in(self, upto: int) -> None:
        for row in stored.dense_rows(self._conn, self.position, upto):
            stream = row[stored.STREAM]
            head = self._moved.get(stream) or self._heads.head(stream)
            leaf = leaf_hash(stored.leaf_of(row, self.origin, head.leaf if head else None))
            self._moved[stream] = Head(stream, row[stored.VERSION], leaf)
            self._leaves.append(leaf)
            self._news |= stream != SEALS
            if len(self._leaves) >= LEAVES_MAX:
                self._write_tiles()
                if self._stopping.is_set():
                    raise Stopped

    def _say_heads(self) -> None:
        """Says in the log how far each stream goes, and takes that event in as well, with those
        that others have stored meanwhile."""
        self._update_heads()
        facts = commit_heads(
            self._said,
            position=self.position,
            streams=len(self._heads),
            root=to_base64(self._heads.root()),
        )
        mine = self._heads.head(SEALS)
        write = log.Write(SEALS, mine.version if mine else 0, tuple(facts))
        ask = new_id()
        envelope = log.Envelope(SEALER, ask, ask, source="sealer")
        try:
            done = self._store.append(log.Entry(envelope, (write,)))
        except log.Conflict as other:
            raise SealedElsewhere(f"another sealer writes to this log: {other}") from other
        self._said, self._news = SEAL.evolve(self._said, facts[0]), False
        self._take_in(done.position)

    def _update_heads(self) -> None:
        self._heads.update(self._moved.values())
        self._moved.clear()

    def _write_tiles(self) -> None:
        if self._leaves:
            self._tree.append(self._leaves)
            self._leaves = []

    def _publish(self) -> None:
        old = self.published
        new = Checkpoint(self.origin, self._tree.size, self._tree.root())
        self._check_lead()
        if old.size:
            proof = self._tree.consistency(old.size)
            verify_consistency(old.size, new.size, old.root, new.root, proof)
        note = sign(new.text, self._key)
        note = cosigned(note, self._tree, old.size, self._witnesses, self._quorum)
        self._check_lead()
        self._tiles.publish(note.encode())
        self._note, self.published = note.encode(), new
        told = {"size": new.size, "checkpoint": note.encode().decode()}
        self._store.append_all([], log.Checkpoint(REMEMBERED, told))

    def _check_lead(self) -> None:
        """Whoever has lost the lock's connection, or finds another's work, must not sign.

        Raises:
            SealedElsewhere: somebody else has published.
        """
        self._conn.execute("SELECT 1")
        if self._tiles.checkpoint() != self._note:
            raise SealedElsewhere("the published checkpoint is not the last one from here")

"""Writing a bundle of evidence: all events of a record, with what shows that they are all."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from domain.seals import SEALS, SealHeadsCommitted
from event_store.codec import decode
from event_store.ledger import Row
from event_store.seals import stored
from event_store.seals.checkpoints import open_checkpoint
from event_store.seals.heads import HeadMap, Shown
from event_store.seals.keys import VerifierKey
from event_store.seals.lines import to_base64
from event_store.seals.merkle import leaf_hash, verify_consistency
from event_store.seals.proofs import LogProof
from event_store.seals.reasons import HeadsDiffer, LogDiffers, NotConsistent, SealsMissing
from event_store.seals.tile_store import TileStore
from event_store.seals.tiles import TileTree

VERIFIER = Path(__file__).with_name("verify.py")
HEADS_HEADING = "rapport.stream-head/1"


class NothingToShow(Exception):
    """No sealed event is about the record."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The keys that a bundle is to be verified by."""

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0

    @property
    def policy(self) -> str:
        """The keys as https://c2sp.org/tlog-policy writes them."""
        lines = [f"log {self.log.text}"]
        names = [f"witness-{n}" for n, _ in enumerate(self.witnesses, start=1)]
        keys = zip(names, self.witnesses, strict=True)
        lines += [f"witness {name} {key.text}" for name, key in keys]
        if self.quorum:
            lines.append(f"group quorum-of-them {self.quorum} {' '.join(names)}")
        lines.append(f"quorum {'quorum-of-them' if self.quorum else 'none'}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Written:
    """What a bundle shows."""

    streams: int
    events: int
    position: int
    """There is no other event of these records up to here."""
    size: int
    """Of the tree that they are shown to be in."""


class Evidence:
    """What is sealed about records, read at the last published checkpoint."""

    def __init__(self, dsn: str, tiles: TileStore, pinned: Pinned) -> None:
        """
        Raises:
            Unsound: there is no checkpoint, or it does not hold. The class says why.
        """
        self._dsn, self._pinned = dsn, pinned
        note = tiles.checkpoint()
        if note is None:
            raise SealsMissing("nothing is sealed yet")
        self.note = note
        opened = open_checkpoint(
            note, pinned.log.name, [pinned.log], pinned.witnesses, pinned.quorum
        )
        self.checkpoint = opened.checkpoint
        self._tree = TileTree(tiles, self.checkpoint.size)

    def write(
        self,
        folder: Path,
        record: UUID,
        *,
        since: bytes | None = None,
        leaves: bool = False,
    ) -> Written:
        """Writes the history of a record, and of each record with an event that concerns it,
        into a new folder. ``since`` is the signed checkpoint of an earlier audit; with
        ``leaves`` the hash of every event of the log is added, 32 bytes each.

        Raises:
            NothingToShow: there is no such record.
            FileExistsError: the folder is there.
            Unsound: the stored events are not those that were sealed, or the log is not the
                one of the earlier audit.
        """
        folder.mkdir(parents=True)
        try:
            return self._fill(Draft(folder), record, since, leaves)
        except BaseException:
            shutil.rmtree(folder)
            raise

    def _fill(self, draft: Draft, record: UUID, since: bytes | None, leaves: bool) -> Written:
        with stored.connect(self._dsn) as conn:
            said_row = stored.newest_of(conn, SEALS, self.checkpoint.size)
            said = _heads_said(said_row)
            index = said_row[stored.POSITION] - 1
            about = {record, *stored.streams_about(conn, record, said.position)}
            rows = stored.rows_of(conn, list(about - {SEALS}), said.position)
            if not rows:
                raise NothingToShow("nothing that is sealed is about this record")
            heads = HeadMap(stored.heads(conn, said.position, self._leaf_at))
            before = stored.position_before(conn, said_row)
        if to_base64(heads.root()) != said.root or len(heads) != said.streams:
            raise HeadsDiffer(f"the heads said at position {index + 1} are not those of the log")
        chain = {SEALS: self._leaf_at(before - 1)} if before else {}
        for row in [*rows, said_row]:
            self._show(draft, row, chain)
        streams = {row[stored.STREAM] for row in rows}
        draft.write("stream-head", _stream_heads(index, heads, streams).encode())
        self._frame(draft, since, leaves)
        return Written(len(streams), len(rows), said.position, self.checkpoint.size)

    def _leaf_at(self, index: int) -> bytes:
        return self._tree.subtree(0, index)

    def _show(self, draft: Draft, row: Row, chain: dict[UUID, bytes]) -> None:
        """Writes an event and its proof, unless it is not what was sealed."""
        stream, index = row[stored.STREAM], row[stored.POSITION] - 1
        data = stored.leaf_of(row, self.checkpoint.origin, chain.get(stream))
        chain[stream] = leaf_hash(data)
        if chain[stream] != self._leaf_at(index):
            raise LogDiffers(f"the event at position {index + 1} is not the one that was sealed")
        path = tuple(self._tree.inclusion(index))
        draft.write(f"events/{index:012}.bin", data)
        proof = LogProof(index, path, self.note)
        draft.write(f"proofs/{index:012}.tlog-proof", proof.encode())

    def _frame(self, draft: Draft, since: bytes | None, leaves: bool) -> None:
        draft.write("checkpoint", self.note)
        if since is not None:
            draft.write("consistency", self._consistency(since).encode())
        if leaves:
            size = self.checkpoint.size
            draft.write("leaves", b"".join(self._leaf_at(index) for index in range(size)))
        draft.write("policy", self._pinned.policy.encode())
        draft.write("README", _readme(self._pinned).encode())
        draft.write("verify.py", VERIFIER.read_bytes())
        draft.close()

    def _consistency(self, since: bytes) -> str:
        """The proof that the tree begins with that of an earlier audit, a hash a line."""
        old = open_checkpoint(since, self._pinned.log.name, [self._pinned.log]).checkpoint
        new = self.checkpoint
        if old.size > new.size:
            raise NotConsistent(f"your audit saw {old.size} events, the log has {new.size} sealed")
        proof = self._tree.consistency(old.size) if old.size else []
        verify_consistency(old.size, new.size, old.root, new.root, proof)
        return "".join(f"{to_base64(it)}\n" for it in proof) or "\n"


def _heads_said(row: Row) -> SealHeadsCommitted:
    fact = decode(row[stored.TOPIC], row[stored.STATE])
    if not isinstance(fact, SealHeadsCommitted):
        raise HeadsDiffer("the log's newest seal says no heads")
    return fact


class Draft:
    """A bundle being written: its manifest comes last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[str, str] = {}
        for name in ("events", "proofs"):
            (folder / name).mkdir()

    def write(self, name: str, data: bytes) -> None:
        """Adds a file."""
        (self._folder / name).write_bytes(data)
        self._digests[name] = sha256(data).hexdigest()

    def close(self) -> None:
        """Lists the files with their hashes, in the order of their names."""
        lines = [f"{self._digests[name]}  {name}\n" for name in sorted(self._digests)]
        (self._folder / "manifest").write_text("".join(lines), encoding="utf-8")


def _stream_heads(index: int, heads: HeadMap, streams: Collection[UUID]) -> str:
    return "\n".join([HEADS_HEADING, f"committed {index}", *_head_lines(heads, streams), ""])


def _head_lines(heads: HeadMap, streams: Collection[UUID]) -> Iterator[str]:
    """For each stream its id, its length, and the path of its head, the root's child last."""
    for stream in sorted(streams):
        shown = heads.prove(stream)
        assert isinstance(shown, Shown)  # noqa: S101  # it has events, so it has a head
        path = map(to_base64, shown.path)
        yield " ".join([str(stream), str(shown.head.version), str(shown.index), *path])


def _readme(pinned: Pinned) -> str:
    keys = [f"--log-key '{pinned.log.text}'"]
    keys += [f"--witness '{key.text}'" for key in pinned.witnesses]
    if pinned.quorum < len(pinned.witnesses):
        keys.append(f"--quorum {pinned.quorum}")
    return README.format(origin=pinned.log.name, keys=" \\\n        ".join(keys))


README = """\
Evidence from the log {origin}

This folder holds the history of a record as it was stored, byte by byte, and what it takes to
verify, without asking anybody, that nothing of it was altered, added or left out. The program
for that is verify.py. It needs Python 3.11 and the package "cryptography":

    python verify.py . \\
        {keys} \\
        --since YOUR-LAST-CHECKPOINT

Compare the keys with those that you were given before and elsewhere: whoever forges a bundle
forges the keys named in it. Leave out --since in your first audit. Then keep the file
"checkpoint": by it the next audit shows that nothing was rewritten in between.

What is shown: V1 the log signed, V2 witnesses saw the same log, V3 each event is in it, V4 it
begins with what you saw last time, V5 no event is missing in between, V6 there is no newer one,
V7 (where the file "leaves" is there) the log as a whole is complete, V8 erased persons' events
still verify. What cannot be shown: that a fact was true when it was typed in, that everything
was recorded, or anything at all if the log and all of its witnesses lie together.

  checkpoint       what the log signed: its name, how many events, their root
  events/*.bin     the events: the bytes that are hashed as leaves of the tree
  proofs/*         for each the path from its leaf to the root (c2sp.org/tlog-proof)
  stream-head      for each record how long it is, and the path to the heads said in the log
  consistency      the path from your last checkpoint to this one, if you gave it
  leaves           the hashes of all events, if asked for
  policy           the keys (c2sp.org/tlog-policy)
  manifest         the SHA-256 of each file
"""

"""Proofs that verify offline, in the text format of C2SP: https://c2sp.org/tlog-proof.

A proof is made of the index of a leaf, the hashes of its inclusion proof, and a signed
checkpoint. The format's line of extra data is refused: no signature covers it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from event_store.seals.checkpoints import Checkpoint, Opened, open_checkpoint
from event_store.seals.keys import VerifierKey
from event_store.seals.lines import from_base64, from_decimal, to_base64
from event_store.seals.merkle import (
    HASH_BYTES,
    PROOF_HASHES_MAX,
    TREE_SIZE_MAX,
    verify_inclusion,
)
from event_store.seals.notes import Note
from event_store.seals.reasons import MalformedProof

HEADING = "c2sp.org/tlog-proof@v1"
HEAD_BYTES_MAX = 4_096
"""More than the lines before the checkpoint can take."""


@dataclass(frozen=True, slots=True)
class LogProof:
    """That a log has a leaf.

    Raises:
        MalformedProof: the index is none, or the hashes are too many or not of their length.
    """

    index: int
    """Of the leaf, from 0."""
    hashes: tuple[bytes, ...]
    """The inclusion proof: the leaf's sibling first, the root's child last."""
    checkpoint: bytes
    """The signed note."""

    def __post_init__(self) -> None:
        if not 0 <= self.index < TREE_SIZE_MAX:
            raise MalformedProof("the index is none of a tree")
        if len(self.hashes) > PROOF_HASHES_MAX:
            raise MalformedProof(f"a proof has at most {PROOF_HASHES_MAX} hashes")
        if any(len(it) != HASH_BYTES for it in self.hashes):
            raise MalformedProof(f"a hash has {HASH_BYTES} bytes")

    def encode(self) -> bytes:
        """The proof as it is stored in a ``.tlog-proof`` file."""
        lines = [HEADING, f"index {self.index}", *map(to_base64, self.hashes), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> LogProof:
        """The proof behind its bytes. Its checkpoint is read, not verified.

        Raises:
            MalformedProof: they are none, or carry extra data.
            MalformedNote, MalformedCheckpoint: the checkpoint is none.
        """
        end = data.find(b"\n\n", 0, HEAD_BYTES_MAX)
        if end < 0:
            raise MalformedProof("a proof is a few lines, an empty one, and a checkpoint")
        heading, index, *hashes = _lines(data[:end])
        if heading != HEADING:
            raise MalformedProof(f"a proof begins with the line {HEADING}")
        if index.startswith("extra"):
            raise MalformedProof("the proof carries extra data, which nobody has signed")
        number = from_decimal(index.removeprefix("index "))
        if number is None or not index.startswith("index "):
            raise MalformedProof("the second line says the index")
        decoded = tuple(it for it in map(from_base64, hashes) if it is not None)
        if len(decoded) < len(hashes):
            raise MalformedProof("a hash is not in base64")
        proof = cls(number, decoded, data[end + 2 :])
        Checkpoint.parse(Note.parse(proof.checkpoint).text)
        return proof

    def verify(
        self,
        leaf: bytes,
        origin: str,
        log_keys: Collection[VerifierKey],
        witness_keys: Collection[VerifierKey] = (),
        quorum: int = 0,
    ) -> Opened:
        """Verifies that the log named ``origin`` has the leaf hash, by keys that were pinned.

        Raises:
            NotIncluded: the tree of the checkpoint is not shown to have it there.
            Unsound: the checkpoint is not believed, for a reason of ``open_checkpoint``.
        """
        opened = open_checkpoint(self.checkpoint, origin, log_keys, witness_keys, quorum)
        head = opened.checkpoint
        verify_inclusion(leaf, self.index, head.size, self.hashes, head.root)
        return opened


def _lines(data: bytes) -> list[str]:
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as bad:
        raise MalformedProof("the lines before the checkpoint are ASCII") from bad
    if len(lines) < 2:
        raise MalformedProof("the proof says no index")
    return lines

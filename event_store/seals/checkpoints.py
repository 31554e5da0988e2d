"""Checkpoints of a log and the cosignatures of witnesses, as C2SP writes them.

https://c2sp.org/tlog-checkpoint and https://c2sp.org/tlog-cosignature.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from event_store.seals.keys import LOG, WITNESS, SignerKey, VerifierKey
from event_store.seals.lines import from_base64, from_decimal, is_clean, to_base64
from event_store.seals.merkle import HASH_BYTES, TREE_SIZE_MAX
from event_store.seals.notes import Note, Signature, verify
from event_store.seals.reasons import MalformedCheckpoint, NotWitnessed, Unsigned, WrongOrigin


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's statement: my first ``size`` leaves have this root.

    There are no extension lines: nobody could audit what they say.

    Raises:
        MalformedCheckpoint: the origin is no line, or size or root are none.
    """

    origin: str
    """The name of the log."""
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or not is_clean(self.origin):
            raise MalformedCheckpoint("the origin is a line of text")
        if not 0 <= self.size <= TREE_SIZE_MAX:
            raise MalformedCheckpoint("the size is no size of a tree")
        if len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"the root is a hash of {HASH_BYTES} bytes")

    @property
    def text(self) -> str:
        """The text of the note that is signed."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint behind the text of a note.

        Raises:
            MalformedCheckpoint: it is none, or has lines of an extension.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise MalformedCheckpoint("a checkpoint is three lines: origin, size and root")
        size, root = from_decimal(lines[1]), from_base64(lines[2])
        if size is None:
            raise MalformedCheckpoint("the size is no decimal number, or too large")
        if root is None:
            raise MalformedCheckpoint("the root is not in base64")
        return cls(lines[0], size, root)


def cosign(checkpoint: Checkpoint, key: SignerKey, at: int) -> Signature:
    """A witness's statement: at this time, in seconds since the epoch, this was the newest
    checkpoint of the log that I have seen, and it was consistent with all before it.

    Raises:
        ValueError: the key is none of a witness, or the time is none after the epoch.
    """
    return Signature(key.name, key.verifier.id, key.cosign(checkpoint.text, at))


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint that was verified."""

    checkpoint: Checkpoint
    cosigned: Mapping[VerifierKey, int]
    """The known witnesses that have cosigned, and when, in seconds since the epoch."""


def open_checkpoint(
    data: bytes,
    origin: str,
    log_keys: Collection[VerifierKey],
    witness_keys: Collection[VerifierKey] = (),
    quorum: int = 0,
) -> Opened:
    """Reads a signed checkpoint of the log named ``origin`` and believes it if one of the log's
    pinned keys signed it, and of the pinned witnesses at least ``quorum``.

    Raises:
        MalformedNote, MalformedCheckpoint: it cannot be read.
        WrongOrigin: it is another log's.
        WrongSignature, SignedTwice: a signature in the name of a pinned key is wrong.
        Unsigned: the log has not signed.
        NotWitnessed: too few witnesses have cosigned.
        ValueError: the keys given are not of the kind asked for, or share their name and id.
    """
    if any(k.kind != LOG for k in log_keys) or any(k.kind != WITNESS for k in witness_keys):
        raise ValueError("a key of a log stands where one of a witness belongs, or the reverse")
    note = Note.parse(data)
    signed = verify(note, [*log_keys, *witness_keys])
    if not any(key in signed for key in log_keys):
        raise Unsigned("no known key of the log has signed")
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise WrongOrigin(f"the checkpoint is of {checkpoint.origin!r}, not of {origin!r}")
    cosigned = {key: at for key, at in signed.items() if at is not None}
    # A witness under two names is one witness.
    if len({key.public for key in cosigned}) < quorum:
        raise NotWitnessed(f"{len(cosigned)} known witnesses cosigned, {quorum} are asked for")
    return Opened(checkpoint, cosigned)

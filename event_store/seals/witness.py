"""A witness: cosigns checkpoints of logs that it knows, each consistent with the one before.

https://c2sp.org/tlog-witness. All it keeps is the last checkpoint of each log.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from event_store.seals.checkpoints import Checkpoint, cosign
from event_store.seals.keys import SignerKey, VerifierKey
from event_store.seals.lines import from_base64, from_decimal, to_base64
from event_store.seals.merkle import EMPTY_ROOT, PROOF_HASHES_MAX, verify_consistency
from event_store.seals.notes import Note, verify
from event_store.seals.reasons import MalformedProof, NotConsistent, Unsound

ADD_CHECKPOINT = "/add-checkpoint"
REQUEST_BYTES_MAX = 65_536
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks of a witness.

    Raises:
        MalformedProof: there are more hashes than a proof can have.
    """

    old: int
    """The size that the log believes the witness to know; 0 for none."""
    proof: tuple[bytes, ...]
    note: bytes
    """The signed checkpoint."""

    def __post_init__(self) -> None:
        if len(self.proof) > PROOF_HASHES_MAX:
            raise MalformedProof(f"a proof has at most {PROOF_HASHES_MAX} hashes")

    def encode(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old}", *map(to_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + self.note

    @classmethod
    def parse(cls, body: bytes) -> Request:
        """The request behind a body.

        Raises:
            MalformedProof: it is none.
        """
        head, blank, note = body.partition(b"\n\n")
        first, *hashes = head.decode("ascii", "replace").split("\n")
        old = from_decimal(first.removeprefix("old "))
        if not blank or not first.startswith("old ") or old is None:
            raise MalformedProof("a request begins with the line: old, and a size")
        proof = tuple(it for it in map(from_base64, hashes) if it is not None)
        if len(proof) < len(hashes):
            raise MalformedProof("a hash is not in base64")
        return cls(old, proof, note)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness says: an HTTP status and its body."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


class Witness:
    """Cosigns for the logs whose keys it was given. Threads and processes may share its folder."""

    def __init__(
        self,
        folder: Path,
        key: SignerKey,
        logs: Collection[VerifierKey],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._key, self._now = folder, key, now
        self._logs: dict[str, list[VerifierKey]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)
        self._turn = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judges a request. What it cosigns is kept durably before the answer is given.

        Raises:
            OSError: it cannot be kept; nothing is cosigned.
        """
        try:
            request = Request.parse(body)
            note = Note.parse(request.note)
            checkpoint = Checkpoint.parse(note.text)
        except Unsound as bad:
            return Answer(400, f"{bad}\n")
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            return Answer(404, f"the log {checkpoint.origin} is not known here\n")
        try:
            verify(note, keys)
        except Unsound as bad:
            return Answer(403, f"{bad}\n")
        if request.old > checkpoint.size:
            return Answer(400, "the old size is larger than the checkpoint's\n")
        with self._locked():
            return self._judge(request, checkpoint)

    def _judge(self, request: Request, checkpoint: Checkpoint) -> Answer:
        """Compares with the last checkpoint and takes its place. The lock is held: two requests
        judged at once could roll each other back."""
        known = self.last(checkpoint.origin)
        same_size = known.size == checkpoint.size
        if request.old != known.size or (same_size and known.root != checkpoint.root):
            return Answer(409, f"{known.size}\n", SIZE_TYPE)
        try:
            _check_growth(known, checkpoint, request.proof)
        except NotConsistent as bad:
            return Answer(422, f"{bad}\n")
        self._keep(checkpoint, request.note)
        return Answer(200, cosign(checkpoint, self._key, int(self._now())).line)

    def last(self, origin: str) -> Checkpoint:
        """The last checkpoint of a log; that of the empty tree before the first.

        Raises:
            Unsound: what was kept cannot be read. Then nothing is cosigned.
        """
        try:
            kept = self._file(origin).read_bytes()
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)
        return Checkpoint.parse(Note.parse(kept).text)

    def _keep(self, checkpoint: Checkpoint, note: bytes) -> None:
        file = self._file(checkpoint.origin)
        draft = file.with_suffix(".draft")
        with draft.open("wb") as out:
            out.write(note)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _file(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.checkpoint"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._turn, (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _check_growth(known: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    if known.size:
        verify_consistency(known.size, new.size, known.root, new.root, proof)
    elif proof:
        raise NotConsistent("every tree begins with the empty one, and that needs no proof")

"""Asking witnesses to cosign a checkpoint: https://c2sp.org/tlog-witness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from event_store.seals.checkpoints import Checkpoint
from event_store.seals.keys import WITNESS, VerifierKey
from event_store.seals.lines import from_decimal
from event_store.seals.merkle import Subtrees
from event_store.seals.notes import Note, Signature
from event_store.seals.reasons import MalformedKey, NotWitnessed, Unsound, WitnessDisagrees
from event_store.seals.witness import ADD_CHECKPOINT, Request

ANSWER_SECONDS_MAX = 2.0
ANSWER_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class WitnessAt:
    """A witness: where it is, and the key that it is known by."""

    url: str
    key: VerifierKey

    @classmethod
    def parse(cls, text: str) -> WitnessAt:
        """The witness behind ``URL KEY``.

        Raises:
            MalformedKey: it is none.
        """
        url, _, key = text.strip().partition(" ")
        parsed = VerifierKey.parse(key.strip())
        if parsed.kind != WITNESS or urlsplit(url).scheme not in ("http", "https"):
            raise MalformedKey("a witness is written as its URL, a space and its key")
        return cls(url, parsed)

    def cosign(self, note: Note, tree: Subtrees, old: int) -> Signature:
        """The witness's signature of the checkpoint that the note says. ``old`` is the size
        that it is believed to know.

        Raises:
            NotWitnessed: it does not answer, or not with its signature.
            WitnessDisagrees: it knows another log of this name, or more of this one.
        """
        size = Checkpoint.parse(note.text).size
        status, answer = self._ask(note, tree, old, size)
        if status == 409 and (known := from_decimal(answer.rstrip("\n"))) not in (None, old):
            if known > size:
                raise WitnessDisagrees(f"{self.key.name} has seen {known} leaves, there are {size}")
            status, answer = self._ask(note, tree, known, size)
        if status in (409, 422):
            raise WitnessDisagrees(
                f"{self.key.name} has seen another log of this name: {status} {answer.strip()}"
            )
        if status != 200:
            raise NotWitnessed(f"{self.key.name} answers {status}: {answer.strip()}")
        return self._own(note, answer)

    def _ask(self, note: Note, tree: Subtrees, old: int, size: int) -> tuple[int, str]:
        proof = tree.consistency(old, size) if 0 < old < size else []
        where = urlsplit(self.url)
        kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
        link = kind(where.netloc, timeout=ANSWER_SECONDS_MAX)
        try:
            body = Request(old, tuple(proof), note.encode()).encode()
            link.request("POST", where.path.rstrip("/") + ADD_CHECKPOINT, body)
            answer = link.getresponse()
            return answer.status, answer.read(ANSWER_BYTES_MAX).decode("utf-8", "replace")
        except (OSError, HTTPException) as lost:
            raise NotWitnessed(f"{self.key.name} does not answer: {lost}") from lost
        finally:
            link.close()

    def _own(self, note: Note, answer: str) -> Signature:
        """The signature of the known key; those of others are passed over."""
        try:
            given = [Signature.parse(line) for line in answer.removesuffix("\n").split("\n")]
            [mine] = [it for it in given if (it.name, it.key_id) == (self.key.name, self.key.id)]
            self.key.check(note.text, mine.value)
        except (Unsound, ValueError) as bad:
            raise NotWitnessed(f"{self.key.name} has not signed: {bad}") from bad
        return mine


def cosigned(
    note: Note, tree: Subtrees, old: int, witnesses: Sequence[WitnessAt], quorum: int
) -> Note:
    """The note with the signatures of all witnesses that give theirs.

    Raises:
        WitnessDisagrees: one of them has seen another log.
        NotWitnessed: fewer than ``quorum`` have signed.
    """
    signatures: list[Signature] = []
    silent: list[str] = []
    for witness in witnesses:
        try:
            signatures.append(witness.cosign(note, tree, old))
        except NotWitnessed as no:
            silent.append(str(no))
    if len(signatures) < quorum:
        raise NotWitnessed("; ".join(silent))
    return note.with_signatures(*signatures)

"""Signed notes, as C2SP writes them: https://c2sp.org/signed-note.

Reading is stricter than it has to be: what says the same in other bytes is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from event_store.seals.keys import KEY_ID_BYTES, SignerKey, VerifierKey
from event_store.seals.lines import from_base64, is_clean, is_name, to_base64
from event_store.seals.reasons import MalformedNote, SignedTwice, Unsigned

NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 64
"""The most signatures of a note; no reader may take fewer than 16."""
DASH = "\N{EM DASH}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a note, by whomever."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line of a note that says it."""
        return f"{DASH} {self.name} {to_base64(self.key_id + self.value)}\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """The signature of a line, given without its newline.

        Raises:
            MalformedNote: it is none.
        """
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        value = from_base64(encoded)
        if dash != DASH or not is_name(name) or value is None or len(value) <= KEY_ID_BYTES:
            raise MalformedNote("a line after the text is no signature")
        return cls(name, value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures. The text means nothing before they are verified.

    Raises:
        MalformedNote: the text does not end its last line, has control characters or is no
            text, or there are no signatures or too many.
    """

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n") or not is_clean(self.text.replace("\n", "")):
            raise MalformedNote("the text of a note is lines without control characters")
        if not 0 < len(self.signatures) <= SIGNATURES_MAX:
            raise MalformedNote(f"a note has 1 to {SIGNATURES_MAX} signatures")

    def encode(self) -> bytes:
        """The note as it is stored and sent."""
        return (self.text + "\n" + "".join(it.line for it in self.signatures)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """The note behind its bytes.

        Raises:
            MalformedNote: they are none.
        """
        if len(data) > NOTE_BYTES_MAX:
            raise MalformedNote(f"a note has at most {NOTE_BYTES_MAX:,} bytes")
        try:
            text, blank, lines = data.decode("utf-8").rpartition("\n\n")
        except UnicodeDecodeError as bad:
            raise MalformedNote("a note is UTF-8") from bad
        if not blank or not lines.endswith("\n"):
            raise MalformedNote("a note is text, an empty line and signatures, each line ended")
        signatures = lines.removesuffix("\n").split("\n")
        return cls(text + "\n", tuple(map(Signature.parse, signatures)))

    def with_signatures(self, *more: Signature) -> Note:
        """The note with further signatures, such as those of witnesses."""
        return replace(self, signatures=(*self.signatures, *more))


def sign(text: str, *keys: SignerKey) -> Note:
    """A note signed by keys of logs.

    Raises:
        MalformedNote: the text cannot be a note's.
        ValueError: a key is one of a witness, which signs checkpoints only.
    """
    return Note(text, tuple(Signature(it.name, it.verifier.id, it.sign(text)) for it in keys))


def verify(note: Note, keys: Collection[VerifierKey]) -> dict[VerifierKey, int | None]:
    """Who of the given keys signed the note, with the time where a witness did. Signatures by
    unknown keys are passed over.

    Raises:
        WrongSignature: a signature in the name of one of the keys is not by it.
        SignedTwice: one of the keys signed twice.
        Unsigned: none of the keys signed.
        ValueError: two of the keys share their name and id.
    """
    known = {(key.name, key.id): key for key in keys}
    if len(known) != len(set(keys)):
        raise ValueError("two keys share their name and id")
    signed: dict[VerifierKey, int | None] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if key in signed:
            raise SignedTwice(f"{key.name} signed twice")
        signed[key] = key.check(note.text, signature.value)
    if not signed:
        raise Unsigned("no known key has signed")
    return signed

"""Ed25519 keys of logs and witnesses, written as C2SP writes them.

https://c2sp.org/signed-note (verifier keys, kind 0x01) and https://c2sp.org/tlog-cosignature
(kind 0x04, ``cosignature/v1``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from event_store.seals.lines import from_base64, is_name, to_base64
from event_store.seals.reasons import MalformedKey, WrongSignature

TIME_MAX = 2**63 - 1

LOG = 0x01
"""The kind of a key that signs notes."""
WITNESS = 0x04
"""The kind of a key that cosigns checkpoints, with the time."""
KEY_BYTES = 32
KEY_ID_BYTES = 4
TIME_BYTES = 8
SIGNATURE_BYTES = {LOG: 64, WITNESS: TIME_BYTES + 64}

SECRET = "PRIVATE+KEY+"  # noqa: S105  # how the text of any secret key begins


@dataclass(frozen=True)
class VerifierKey:
    """A public key and the name it signs in.

    Raises:
        MalformedKey: the name is empty or has spaces or a plus, or the key is none.
    """

    name: str
    kind: int
    """``LOG`` or ``WITNESS``."""
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise MalformedKey(f"{self.name!r} is no name of a key")
        if self.kind not in SIGNATURE_BYTES or len(self.public) != KEY_BYTES:
            raise MalformedKey(f"the key of {self.name} is no Ed25519 key of a known kind")

    @cached_property
    def id(self) -> bytes:
        """What tells this key from others of its name."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return sha256(material).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """``name+id+key``, to be pinned by those who verify."""
        return f"{self.name}+{self.id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key behind its text.

        Raises:
            MalformedKey: it is none.
        """
        name, key_id, material = _key_parts(text)
        key = cls(name, material[0], material[1:])
        if key.id.hex() != key_id:
            raise MalformedKey(f"the id {key_id} does not belong to the key of {name}")
        return key

    def check(self, text: str, signature: bytes) -> int | None:
        """Verifies a signature of this key. Returns the time of a cosignature in seconds since
        the epoch, None for a log's.

        Raises:
            WrongSignature: it is not by this key over this text.
        """
        if len(signature) != SIGNATURE_BYTES[self.kind]:
            raise WrongSignature(f"the signature of {self.name} has a wrong length")
        at: int | None = None
        if self.kind == WITNESS:
            at, signature = int.from_bytes(signature[:TIME_BYTES]), signature[TIME_BYTES:]
            if not 0 < at <= TIME_MAX:
                raise WrongSignature(f"the cosignature of {self.name} has no time")
            text = _cosigned(text, at)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as bad:
            raise WrongSignature(f"the signature of {self.name} does not verify") from bad
        return at


@dataclass(frozen=True)
class SignerKey:
    """A secret key and the name it signs in.

    Raises:
        MalformedKey: as for ``VerifierKey``.
    """

    name: str
    kind: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise MalformedKey(f"the secret key of {self.name} is no Ed25519 key")
        _ = self.verifier

    @classmethod
    def generate(cls, name: str, kind: int = LOG) -> SignerKey:
        """A new key.

        Raises:
            MalformedKey: the name is empty or has spaces or a plus.
        """
        return cls(name, kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @cached_property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.kind, self._private.public_key().public_bytes_raw())

    @property
    def secret_text(self) -> str:
        """``PRIVATE+KEY+name+id+key``. Whoever has it signs as the log or the witness."""
        material = to_base64(bytes([self.kind]) + self.secret)
        return f"{SECRET}{self.name}+{self.verifier.id.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """The key behind its secret text.

        Raises:
            MalformedKey: it is none. The message does not say the secret.
        """
        if not text.startswith(SECRET):
            raise MalformedKey("the text of a secret key begins with another word")
        name, key_id, material = _key_parts(text.removeprefix(SECRET))
        key = cls(name, material[0], material[1:])
        if key.verifier.id.hex() != key_id:
            raise MalformedKey(f"the id {key_id} does not belong to the key of {name}")
        return key

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    def sign(self, text: str) -> bytes:
        """The log's signature over the text of a note.

        Raises:
            ValueError: the key is a witness's, which signs checkpoints only.
        """
        if self.kind != LOG:
            raise ValueError("a witness signs checkpoints, and says when")
        return self._private.sign(text.encode())

    def cosign(self, text: str, at: int) -> bytes:
        """The witness's signature over the text of a checkpoint, with the time in seconds since
        the epoch.

        Raises:
            ValueError: the key is none of a witness, or the time is none after the epoch.
        """
        if self.kind != WITNESS:
            raise ValueError("only a witness cosigns")
        if not 0 < at <= TIME_MAX:
            raise ValueError(f"{at} is no time after the epoch")
        return at.to_bytes(TIME_BYTES) + self._private.sign(_cosigned(text, at).encode())


def _cosigned(text: str, at: int) -> str:
    return f"cosignature/v1\ntime {at}\n{text}"


def _key_parts(text: str) -> tuple[str, str, bytes]:
    """Name, id and material of a key's text; the name has no plus, the material may."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    material = from_base64(encoded)
    if not material:
        raise MalformedKey("a key is written name+id+key, the key in base64")
    return name, key_id, material

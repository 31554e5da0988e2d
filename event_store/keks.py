"""The keys that wrap people's keys. They lie outside the database, one for each epoch.

A backup of the database holds wrapped keys only; once the epoch that they were wrapped under is
destroyed, none of them can be opened again, wherever it lies.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from event_store.keys import KEY_BYTES, PersonalDataLocked

_NONCE_BYTES = 12


class WrapFailed(Exception):
    """A wrapped key does not open under the epoch that it names."""


class Keks(Protocol):
    """What wraps keys: a file here; elsewhere it may be a service that never shows its keys.

    Every method raises ``PersonalDataLocked`` where the keys cannot be had.
    """

    def current(self) -> int:
        """The epoch that new keys are wrapped under."""

    def wrap(self, epoch: int, secret: bytes, bound: bytes) -> bytes:
        """The secret under an epoch, bound to what it belongs to."""

    def unwrap(self, epoch: int, wrapped: bytes, bound: bytes) -> bytes:
        """The secret.

        Raises:
            WrapFailed: it was not wrapped under that epoch for what it is said to belong to.
        """

    def begin(self) -> int:
        """Makes a new epoch the current one."""

    def retire(self, current: int) -> tuple[int, ...]:
        """Destroys all epochs but the current one. Returns those that went."""


class Epochs:
    """Wraps by AES-256-GCM under secrets in memory."""

    def __init__(self, secrets_by_epoch: Mapping[int, bytes]) -> None:
        self.secrets = dict(secrets_by_epoch)
        self._ciphers = {epoch: AESGCM(secret) for epoch, secret in self.secrets.items()}

    @property
    def current(self) -> int:
        return max(self.secrets)

    def wrap(self, epoch: int, secret: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[epoch].encrypt(nonce, secret, bound)

    def unwrap(self, epoch: int, wrapped: bytes, bound: bytes) -> bytes:
        cipher = self._ciphers.get(epoch)
        if cipher is None:
            raise WrapFailed(f"the key encryption key of epoch {epoch} is not here")
        try:
            return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            raise WrapFailed(f"it does not open under epoch {epoch}") from None


class GivenKeks:
    """Epochs that the environment brings: ``1:<hex>,2:<hex>``, or one key in hex."""

    def __init__(self, text: str) -> None:
        self._epochs = _given(text)

    def current(self) -> int:
        return self._epochs.current

    def wrap(self, epoch: int, secret: bytes, bound: bytes) -> bytes:
        return self._epochs.wrap(epoch, secret, bound)

    def unwrap(self, epoch: int, wrapped: bytes, bound: bytes) -> bytes:
        return self._epochs.unwrap(epoch, wrapped, bound)

    def begin(self) -> int:
        """The newest one that was given: whoever keeps the keys makes them."""
        return self._epochs.current

    def retire(self, current: int) -> tuple[int, ...]:
        """They are the environment's to destroy."""
        return ()


def _given(text: str) -> Epochs:
    found: dict[int, bytes] = {}
    try:
        for part in text.split(","):
            epoch, colon, secret = part.strip().rpartition(":")
            found[int(epoch) if colon else 1] = bytes.fromhex(secret)
    except ValueError:
        found = {}
    if not found or any(len(secret) != KEY_BYTES for secret in found.values()):
        raise PersonalDataLocked(why=f"CRM_KEK has to be keys of {KEY_BYTES} bytes in hex")
    return Epochs(found)


class _Kept(msgspec.Struct, frozen=True):
    """The content of the file."""

    epochs: dict[str, str]


class KekFile:
    """Epochs in a file of one's own, read again when it changes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp: tuple[int, int, int] | None = None
        self._epochs: Epochs | None = None

    def make(self) -> None:
        """Makes the first epoch where there is no file. Whoever comes first makes it."""
        if self.file.exists():
            return
        with _in_words(self.file):
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._draft({1: secrets.token_bytes(KEY_BYTES)})
            try:
                with suppress(FileExistsError):
                    os.link(draft, self.file)
                _sync(self.file.parent)
            finally:
                draft.unlink()

    def current(self) -> int:
        return self._read().current

    def wrap(self, epoch: int, secret: bytes, bound: bytes) -> bytes:
        return self._read().wrap(epoch, secret, bound)

    def unwrap(self, epoch: int, wrapped: bytes, bound: bytes) -> bytes:
        return self._read().unwrap(epoch, wrapped, bound)

    def begin(self) -> int:
        epochs = self._read().secrets
        epoch = max(epochs) + 1
        self._replace(epochs | {epoch: secrets.token_bytes(KEY_BYTES)})
        return epoch

    def retire(self, current: int) -> tuple[int, ...]:
        epochs = self._read().secrets
        self._replace({current: epochs[current]})
        return tuple(sorted(epochs.keys() - {current}))

    def _read(self) -> Epochs:
        with _in_words(self.file):
            found = self.file.stat()
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if self._epochs is None or stamp != self._stamp:
                self._epochs, self._stamp = _parsed(self.file), stamp
            return self._epochs

    def _replace(self, epochs: Mapping[int, bytes]) -> None:
        """Puts other epochs in the place of those there, which are overwritten: a file that was
        only unlinked can be found again."""
        with _in_words(self.file), self.file.open("r+b") as before:
            self._draft(epochs).replace(self.file)
            _sync(self.file.parent)
            before.write(bytes(os.fstat(before.fileno()).st_size))
            before.flush()
            os.fsync(before.fileno())

    def _draft(self, epochs: Mapping[int, bytes]) -> Path:
        draft = self.file.with_name(f".{self.file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        kept = _Kept({str(epoch): secret.hex() for epoch, secret in epochs.items()})
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(msgspec.json.encode(kept))
            out.flush()
            os.fsync(out.fileno())
        return draft


def _parsed(file: Path) -> Epochs:
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        epochs = {int(epoch): bytes.fromhex(secret) for epoch, secret in kept.epochs.items()}
    except (msgspec.MsgspecError, ValueError):
        epochs = {}
    if not epochs or any(len(secret) != KEY_BYTES for secret in epochs.values()):
        raise PersonalDataLocked(why=f"{file.name} is no file of key encryption keys")
    return Epochs(epochs)


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    """Lets a file that cannot be used be a refusal with its reason."""
    try:
        yield
    except OSError as no:
        said = no.strerror or str(no)
        why = f"the key encryption keys in {file} cannot be used ({said})"
        raise PersonalDataLocked(why=why) from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

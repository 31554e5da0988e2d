"""The seals of an installation: its keys, its witnesses, its sealer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from api.main import Workspace
from api.settings import Settings, Unusable
from event_store.seals.cosigning import WitnessAt
from event_store.seals.keys import LOG, WITNESS, SignerKey, VerifierKey
from event_store.seals.reasons import Unsound
from event_store.seals.sealer import Sealer
from event_store.seals.witness import Witness

LOG_KEY_FILE = "log.key"
WITNESS_KEY_FILE = "witness.key"

T = TypeVar("T")


def seals_folder(settings: Settings) -> Path:
    """Where tiles and the newest checkpoint are."""
    return settings.data / "seals"


def log_key(settings: Settings) -> SignerKey:
    """The key that signs the log, made on first use. Its name is the log's for ever.

    Raises:
        Unusable: it is none.
    """
    name = settings.log_name or f"rapport/{settings.workspace}"
    return _key(settings, settings.log_key, LOG_KEY_FILE, name, LOG)


def known_log_key(settings: Settings) -> SignerKey | None:
    """The same where there is one already."""
    there = settings.log_key or (settings.keys / LOG_KEY_FILE).exists()
    return log_key(settings) if there else None


def witness_key(settings: Settings) -> SignerKey:
    """The key that this installation cosigns with as a witness, made on first use.

    Raises:
        Unusable: it is none.
    """
    return _key(settings, settings.witness_key, WITNESS_KEY_FILE, settings.witness_name, WITNESS)


def _key(settings: Settings, given: SecretStr | None, file: str, name: str, kind: int) -> SignerKey:
    text = settings.secret(given, file, lambda: SignerKey.generate(name, kind).secret_text)
    try:
        key = SignerKey.parse(text)
    except Unsound as bad:
        raise Unusable(f"The key {file} cannot be used: {bad}.") from None
    if key.kind != kind:
        raise Unusable(f"The key {file} is of another kind: a log's and a witness's differ.")
    return key


def witnesses(settings: Settings) -> list[WitnessAt]:
    """The witnesses that the settings name.

    Raises:
        Unusable: one of them is not written as it has to be, or too few are named.
    """
    found = _listed(settings.witnesses, WitnessAt.parse, "CRM_WITNESSES")
    if (settings.witness_quorum or 0) > len(found):
        raise Unusable("CRM_WITNESS_QUORUM asks for more witnesses than CRM_WITNESSES names.")
    return found


def _listed(text: str, parse: Callable[[str], T], setting: str) -> list[T]:
    try:
        return [parse(part.strip()) for part in text.split(",") if part.strip()]
    except Unsound as bad:
        raise Unusable(f"The setting {setting} cannot be used: {bad}.") from None


def sealer_of(workspace: Workspace) -> Sealer:
    """Who seals the workspace's log.

    Raises:
        Unusable: a key cannot be used.
    """
    settings = workspace.settings
    return Sealer(
        workspace.store,
        workspace.dsn,
        seals_folder(settings),
        log_key(settings),
        witnesses(settings),
        quorum=settings.witness_quorum,
    )


@contextmanager
def sealed(workspace: Workspace) -> Iterator[None]:
    """Within the block the log is sealed as it grows."""
    sealer = sealer_of(workspace)
    sealer.start()
    try:
        yield
    finally:
        sealer.stop()


def witness_of(settings: Settings, logs: tuple[str, ...] = ()) -> Witness:
    """The witness that this installation is, for the logs given and those of the settings.

    Raises:
        Unusable: a key cannot be used, or there is no log to be a witness of.
    """
    known = _listed(settings.witness_logs, VerifierKey.parse, "CRM_WITNESS_LOGS")
    known += _listed(",".join(logs), VerifierKey.parse, "--log")
    if not known:
        raise Unusable("A witness has to know a log: name its key with --log KEY.")
    if any(key.kind != LOG for key in known):
        raise Unusable("A witness knows logs by their keys, not those of other witnesses.")
    return Witness(settings.data / "witness", witness_key(settings), known)

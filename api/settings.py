"""What an installation can be told: by environment variables, or by the CLI's options."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from event_store.keks import GivenKeks, KekFile, Keks

SECRET_BYTES = 32
TOKEN_CHARS_MIN = 16
"""A shorter token is refused: it could be guessed."""
OPERATOR = "system:operator"
"""Who acts where no member is named."""
INBOUND = "system:inbound"
"""Who acts for messages where no member is named for them."""

LogLevel = Literal["debug", "info", "warning", "error"]


class Unusable(Exception):
    """Something about this installation stops the program. The message is one clear sentence."""


class Settings(BaseSettings):
    """Read from ``CRM_…`` variables; the addresses of services also from their usual names."""

    model_config = SettingsConfigDict(
        env_prefix="CRM_", extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    data: Path = Field(Path("data"), description="The folder for everything that is kept.")
    database_url: str | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "CRM_DATABASE_URL"),
        description="A PostgreSQL to use; without it, one in the data folder is started.",
    )
    kafka_bootstrap_servers: str | None = Field(
        None,
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "CRM_KAFKA_BOOTSTRAP_SERVERS"),
        description="A Kafka to use; without it the log is followed directly.",
    )
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535, description="0 takes any free port.")
    token: SecretStr | None = Field(None, description="The development token.")
    member: UUID | None = Field(None, description="The member whom the token speaks for.")
    inbound_member: UUID | None = Field(
        None, description="The member of the integration, who acts for messages from Kafka."
    )
    claim_key: SecretStr | None = Field(
        None,
        description="32 bytes in hex, under which unique values are stored; keep it for ever.",
    )
    kek: SecretStr | None = Field(
        None,
        description="What wraps people's keys: <epoch>:<32 bytes in hex>, several with commas.",
    )
    kek_file: Path | None = Field(
        None, description="The file of what wraps people's keys; else kek.json among the secrets."
    )
    workspace: str = Field(
        "main",
        pattern=r"^[a-z0-9][a-z0-9-]{0,39}$",
        description="The name of the log, in Kafka and in what is sealed; keep it for ever.",
    )
    log_name: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[^\s+]+$",
        description="The name that the log's seals are made in when its key is made.",
    )
    log_key: SecretStr | None = Field(
        None, description="The key that signs the log, as PRIVATE+KEY+name+id+key."
    )
    witnesses: str = Field(
        "", description="Who cosigns the log's seals: each a URL and a key, commas between."
    )
    witness_quorum: int | None = Field(
        None, ge=0, le=64, description="How many of them have to cosign; all unless given."
    )
    witness_name: str = Field(
        "rapport/witness",
        max_length=200,
        pattern=r"^[^\s+]+$",
        description="The name that a witness cosigns in when its key is made.",
    )
    witness_key: SecretStr | None = Field(
        None, description="The key of the witness, as PRIVATE+KEY+name+id+key."
    )
    witness_logs: str = Field(
        "", description="The keys of the logs that the witness knows, commas between."
    )
    log_level: LogLevel = "info"

    @classmethod
    def read(cls, **given: Any) -> Settings:
        """The settings of the environment, with those that are given in their place.

        Raises:
            Unusable: a value is not one that the setting can have.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as bad:
            first = bad.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Unusable(f"The setting {where} cannot be used: {first['msg']}.") from None

    @property
    def keys(self) -> Path:
        """The folder of secrets. It is never part of a backup of the database."""
        return self.data / "keys"

    @property
    def actor(self) -> str:
        """Who acts through the token and on the command line."""
        return str(self.member) if self.member else OPERATOR

    @property
    def inbound_actor(self) -> str:
        """Who acts for messages from Kafka."""
        return str(self.inbound_member) if self.inbound_member else INBOUND

    def claim_key_bytes(self) -> bytes:
        """The key for claims, made on first use."""
        text = self._secret(self.claim_key, "claims.key")
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) < SECRET_BYTES:
            raise Unusable(f"The claim key has to be {SECRET_BYTES} bytes in hex.")
        return key

    def keks(self, *, first_use: bool) -> Keks:
        """What wraps people's keys. It is made on first use, and never again: without it what
        is personal stays closed."""
        if self.kek is not None:
            return GivenKeks(self.kek.get_secret_value())
        kept = KekFile(self.kek_file or self.keys / "kek.json")
        if first_use:
            kept.make()
        return kept

    def access_token(self) -> str:
        """The development token, made on first use."""
        token = self._secret(self.token, "token")
        if len(token) < TOKEN_CHARS_MIN:
            raise Unusable(f"The token has to have {TOKEN_CHARS_MIN} characters or more.")
        return token

    def _secret(self, given: SecretStr | None, name: str) -> str:
        return self.secret(given, name, lambda: secrets.token_hex(SECRET_BYTES))

    def secret(self, given: SecretStr | None, name: str, make: Callable[[], str]) -> str:
        """A secret of the environment, or of the folder of secrets, where it is made on first
        use."""
        return given.get_secret_value() if given else _kept_secret(self.keys / name, make)


def variables() -> frozenset[str]:
    """The names of the environment variables that the program reads."""
    names: set[str] = set()
    for name, info in Settings.model_fields.items():
        alias = info.validation_alias
        if isinstance(alias, AliasChoices):
            names.update(str(choice) for choice in alias.choices)
        else:
            names.add(f"CRM_{name.upper()}")
    return frozenset(names)


def _kept_secret(file: Path, make: Callable[[], str]) -> str:
    """The content of a secret file; whoever comes first makes it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            _create(file, make())
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as bad:
        raise Unusable(f"The secret {file} cannot be read or made: {_why(bad)}.") from None


def _create(file: Path, secret: str) -> None:
    """Writes the file whole and then gives it its name, so that nobody ever reads half of it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(f"{secret}\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)
    except FileExistsError:
        pass  # another program was faster; its secret is the one
    finally:
        draft.unlink()


def _why(bad: Exception) -> str:
    return (bad.strerror or str(bad)) if isinstance(bad, OSError) else str(bad)

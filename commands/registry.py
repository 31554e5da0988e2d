"""What can be asked for: commands, and who carries each of them out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from commands.desk import Desk

CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be."""


class Command(BaseModel):
    """Something that one may ask for. The docstring of a subclass says what it does."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    __command__: ClassVar[str] = ""
    """The name that it is sent under: ``open-opportunity``."""

    occurred_at: AwareDatetime | None = Field(
        default=None,
        description="When it was true, if not now: history that is entered afterwards.",
    )
    reason: str | None = Field(
        default=None, max_length=500, description="Why, for those who read it later."
    )

    __makes__: ClassVar[frozenset[str]] = frozenset()
    """Fields that name records which it makes where they are not there."""
    __claims__: ClassVar[frozenset[str]] = frozenset()
    """Fields whose values no two records may have. Subclasses have those of their parent."""

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        makes: Collection[str] = (),
        claims: Collection[str] = (),
        **options: Any,
    ) -> None:
        super().__init_subclass__(**options)
        cls.__command__, cls.__makes__ = name, frozenset(makes)
        cls.__claims__ = cls.__claims__ | frozenset(claims)

    @field_validator("occurred_at")
    @classmethod
    def _has_happened(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment > datetime.now(UTC) + CLOCK_SKEW_MAX:
            raise ValueError("lies in the future; a fact has happened")
        return moment

    def claimed(self) -> Collection[tuple[str, str]]:
        """Unique values that it will ask for, as ``(kind, value)``, so that a batch can look
        them up at once."""
        return ()

    def references(self) -> set[UUID]:
        """The records that it names, so that a batch can read them at once."""
        return {value for value in self.__dict__.values() if isinstance(value, UUID)}

    def fingerprint(self) -> bytes:
        """A digest of what is asked: the same key with another digest is a mistake."""
        said = self.model_dump_json(exclude_unset=True)  # an id made up here is not part of it
        return hashlib.sha256(f"{self.__command__} {said}".encode()).digest()


REFERENCES = {
    **{noun: noun for noun in ("account", "case", "contact", "lead", "opportunity")},
    **{noun: noun for noun in ("order", "pipeline", "product")},
    **dict.fromkeys(("assignee", "manager", "member", "owner"), "member"),
    "parent": "account",
}
"""Fields of commands that name another record, and its kind."""


@cache
def reference_fields(command: type[Command]) -> frozenset[str]:
    """The fields of a command that name records which have to be there."""
    return frozenset(REFERENCES.keys() & command.model_fields.keys()) - command.__makes__


C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True)
class CommandType:
    """A command that can be sent: what it is asked with and who carries it out."""

    name: str
    model: type[Command]
    handler: Callable[[Any, Desk], None]

    @property
    def title(self) -> str:
        """The first line of the command's docstring."""
        return (self.model.__doc__ or self.name).strip().partition("\n")[0]


COMMANDS: dict[str, CommandType] = {}
"""The command registry: HTTP, CLI, UI, import and Kafka are made from it."""


def handles(
    command: type[C],
) -> Callable[[Callable[[C, Desk], None]], Callable[[C, Desk], None]]:
    """Registers a function as the one that carries out a command."""

    def register(handler: Callable[[C, Desk], None]) -> Callable[[C, Desk], None]:
        if not command.__command__ or command.__command__ in COMMANDS:
            raise TypeError(f"a command needs a name of its own: {command.__command__!r}")
        COMMANDS[command.__command__] = CommandType(command.__command__, command, handler)
        return handler

    return register

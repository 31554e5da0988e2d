"""From what is asked to the fact that it would become."""

from __future__ import annotations

from typing import TypeVar

from commands.registry import Command
from domain.kernel import Event

Fact = TypeVar("Fact", bound=Event)


def fact_of(cls: type[Fact], ask: Command) -> Fact:
    """The fact whose fields are those of the command that have the same names."""
    fields = [name for name in cls.__struct_fields__ if name in type(ask).model_fields]
    return cls(**{name: getattr(ask, name) for name in fields})

"""From what is asked to the fact that it would become."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from commands.registry import Command
from domain.kernel import Event

Fact = TypeVar("Fact", bound=Event)


def fact_of(cls: type[Fact], ask: Command) -> Fact:
    """The fact whose fields are those of the command that have the same names."""
    return cls(**{name: getattr(ask, name) for name in _shared(cls, type(ask))})


@cache
def _shared(fact: type[Event], ask: type[Command]) -> tuple[str, ...]:
    return tuple(name for name in fact.__struct_fields__ if name in ask.model_fields)

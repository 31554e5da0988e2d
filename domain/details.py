"""How plain details change: what a fact says of them, and what of a change is new.

The state of such a record keeps its first event, brought up to date: the record as if it had
been opened today with all that is known of it. Its optional fields are the ones that a change
can fill and empty.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from domain.kernel import Event, Refused

Known = TypeVar("Known", bound=Event | None)
Change = TypeVar("Change", bound=Event)


class CannotBeEmptied(Refused):
    """“{name}” cannot be emptied. These fields can: {names}."""


class SaidAndEmptied(Refused):
    """“{name}” cannot be given a value and be emptied at the same time."""


@cache
def _optional(cls: type[Event]) -> frozenset[str]:
    return frozenset(f.name for f in msgspec.structs.fields(cls) if f.default is None)


def said(fact: Event, of: type[Event]) -> dict[str, Any]:
    """The fields of ``of`` that a fact speaks of: new values and, as None, what it emptied.

    Names in ``cleared`` that the fact cannot speak of are passed over, so that readers of old
    facts never fail.
    """
    both = [name for name in fact.__struct_fields__ if name in of.__struct_fields__]
    cleared = set(_cleared(fact)) & _optional(of)
    values = {name: getattr(fact, name) for name in both}
    return {n: v for n, v in values.items() if v is not None or n in cleared}


def learned(known: Known, fact: Event) -> Known:
    """The details after a fact; still None where nothing was known of the record."""
    return known if known is None else replace(known, **said(fact, type(known)))


def forgotten(known: Known) -> Known:
    """The details without those that are personal."""
    if known is None:
        return known
    return replace(known, **dict.fromkeys(_personal(type(known))))


@cache
def _personal(cls: type[Event]) -> tuple[str, ...]:
    return cls.__event__.personal_fields


def differs(known: Event, fact: Event) -> dict[str, Any]:
    """What a fact says of a record that is not known of it already."""
    told = said(fact, type(known))
    return {name: value for name, value in told.items() if value != getattr(known, name)}


def news(known: Event, change: Change) -> list[Change]:
    """The change without what is known already, or nothing where nothing is left of it.

    Raises:
        CannotBeEmptied: it empties a field that has to be there, or that is none.
        SaidAndEmptied: it gives a value to a field that it empties.
    """
    _check_cleared(known, change)
    new = differs(known, change)
    if not new:
        return []
    stale: dict[str, Any] = {n: None for n in said(change, type(known)) if n not in new}
    cleared = tuple(name for name in _cleared(change) if name in new)
    return [replace(change, **stale, cleared=cleared)]


def _cleared(fact: Event) -> tuple[str, ...]:
    cleared: tuple[str, ...] = getattr(fact, "cleared", ())
    return cleared


def _check_cleared(known: Event, change: Event) -> None:
    names = _optional(type(known)) & set(change.__struct_fields__)
    for name in _cleared(change):
        if name not in names:
            raise CannotBeEmptied(field="cleared", name=name, names=", ".join(sorted(names)))
        if getattr(change, name) is not None:
            raise SaidAndEmptied(field=name, name=name)

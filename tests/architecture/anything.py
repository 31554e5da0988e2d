"""Any fact that could be stored, for properties that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from hypothesis import strategies as st

import domain  # noqa: F401  # fills the catalogue
from domain.kernel import CATALOGUE, Event

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
IDS = tuple(UUID(int=n) for n in range(1, 5))
FACTS_MAX = 12

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=6),
    int: st.integers(-2, 5),
    float: st.floats(0, 1),
    bool: st.booleans(),
    UUID: st.sampled_from(IDS),
    Decimal: st.decimals(-100, 100, places=2),
    date: st.dates(date(2023, 1, 1), date(2025, 1, 1)),
    datetime: st.integers(0, 10_000).map(lambda minutes: EPOCH + timedelta(minutes=minutes)),
}


def facts_of(nouns: Iterable[str]) -> st.SearchStrategy[list[Event]]:
    """Any sequence of events of these nouns, sensible or not."""
    wanted = set(nouns)
    kinds = [kind.cls for kind in CATALOGUE.values() if kind.noun in wanted]
    return st.lists(st.one_of([made(cls) for cls in kinds]), max_size=FACTS_MAX)


def made(cls: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any instance of a struct."""
    fields = msgspec.structs.fields(cls)
    if "cleared" in cls.__struct_fields__:
        names = st.sampled_from([*cls.__struct_fields__, "nothing_known"])
        cleared = {"cleared": st.lists(names, max_size=3).map(tuple)}
    else:
        cleared = {}
    return st.builds(cls, **({f.name: _value(f.type) for f in fields} | cleared))


def _value(hint: Any) -> st.SearchStrategy[Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _value(args[0])
    if origin in (Union, UnionType):
        return st.one_of([_value(arg) for arg in args])
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        return st.lists(_value(args[0]), max_size=3).map(tuple)
    if hint is type(None):
        return st.none()
    return PLAIN[hint] if hint in PLAIN else made(hint)

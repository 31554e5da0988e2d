"""The name of every record, so that pages can show names for ids, and find ids by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from domain.kernel import CATALOGUE, Event, Recorded
from projections.kit import Key, View, view

LABELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "account": (("name",),),
    "case": (("subject",), ("number",)),
    "contact": (("first_name", "last_name"), ("email",), ("external_id",)),
    "lead": (("first_name", "last_name"), ("company",), ("email",), ("external_id",)),
    "member": (("name",), ("email",)),
    "opportunity": (("name",),),
    "order": (("number",), ("external_id",)),
    "pipeline": (("name",),),
    "product": (("name",), ("code",)),
    "task": (("subject",),),
}
"""By noun: the fields that name a record. The first group of which anything is known is the
label; all of them can be searched."""


def _fields(noun: str) -> tuple[str, ...]:
    return tuple(field for group in LABELS.get(noun, ()) for field in group)


_EVENTS = [kind.cls for kind in CATALOGUE.values() if kind.noun in LABELS]
_NAMING = [
    cls for cls in _EVENTS if {*cls.__struct_fields__}.intersection(_fields(cls.__event__.noun))
]


class NameRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    """Of the record, when it was last named."""
    noun: str
    label: str
    search: str
    """All that it can be found by, in lower case."""
    parts: dict[str, str]
    """What the label is made of, by field."""


@view
class Names(View[NameRow]):
    name = "names"
    version = 1
    row = NameRow
    reads = tuple(_NAMING)
    ignores = tuple(cls for cls in _EVENTS if cls not in _NAMING)
    personal = ("label", "search", "parts")
    indexes = ("noun, label", "search text_pattern_ops")

    def evolve(self, row: NameRow | None, it: Recorded[Any], key: Key) -> NameRow | None:
        noun = it.event.__event__.noun
        parts = _parts(row.parts if row else {}, it.event, _fields(noun))
        return NameRow(
            id=it.stream,
            version=it.version,
            noun=noun,
            label=_label(noun, parts) or f"{noun} …{it.stream.hex[-6:]}",
            search=" ".join(parts.values()).casefold(),
            parts=parts,
        )


def _parts(before: dict[str, str], fact: Event, fields: tuple[str, ...]) -> dict[str, str]:
    """What is known of the fields after the fact, in the order of the fields."""
    said = {name: getattr(fact, name, None) or before.get(name) for name in fields}
    cleared = getattr(fact, "cleared", ())
    return {name: value for name, value in said.items() if value and name not in cleared}


def _label(noun: str, parts: dict[str, str]) -> str:
    groups = (" ".join(parts[f] for f in group if f in parts) for group in LABELS[noun])
    return next(filter(None, groups), "")

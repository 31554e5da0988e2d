"""Writes ``docs/events.md``, the catalogue of events for people.

``python -m api.document_events``
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec

import domain  # noqa: F401  # fills the catalogue
from domain.kernel import CATALOGUE, Event, EventType, Recorded

EVENTS_MD = Path(__file__).resolve().parents[1] / "docs" / "events.md"

OPENING = """\
# Events

Every kind of fact that the log can hold, written by `python -m api.document_events` from the
classes in `domain/`. An event is stored under its name and version with the fields below as JSON;
a field that is not there was not said. Identifiers are UUIDs, decimals are strings, moments are
ISO 8601 in UTC. A field marked as *personal* says something about a natural person.
"""

PLAIN: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "yes or no",
    bytes: "bytes",
    UUID: "id",
    Decimal: "decimal",
    date: "date",
    datetime: "moment",
    dict[str, Any]: "object",
}


def events_markdown() -> str:
    """The catalogue as a page: noun by noun, event by event, field by field."""
    parts = [OPENING, "## What every event carries\n", _table(Recorded, leave_out={"event"})]
    kinds = sorted(CATALOGUE.values(), key=lambda kind: kind.noun)
    for noun, of_noun in groupby(kinds, key=lambda kind: kind.noun):
        parts += _noun(noun, list(of_noun))
    return "\n".join(parts)


def _noun(noun: str, kinds: list[EventType]) -> Iterator[str]:
    yield f"## {noun.capitalize()}\n"
    yield f"{inspect.getdoc(sys.modules[kinds[0].cls.__module__])}\n"
    for kind in kinds:
        yield f"### `{kind.name}` · version {kind.version}\n"
        yield f"*{kind.summary}*\n"
        yield from _own_docstring(kind.cls)
        yield _table(kind.cls, personal=kind.personal_fields)
    for part in dict.fromkeys(part for kind in kinds for part in _parts(kind.cls)):
        yield f"### {part.__name__}\n"
        yield from _own_docstring(part)
        yield _table(part)


def _own_docstring(cls: type) -> Iterator[str]:
    said = cls.__dict__.get("__doc__")
    if said:
        yield f"{inspect.cleandoc(said)}\n"


def _table(
    cls: type[msgspec.Struct],
    *,
    personal: Iterable[str] = (),
    leave_out: Iterable[str] = (),
) -> str:
    fields = [f for f in msgspec.structs.fields(cls) if f.name not in leave_out]
    if not fields:
        return "No fields.\n"
    meanings = _meanings(cls)
    rows = ["| Field | Type | | Meaning |", "|---|---|---|---|"]
    for field in fields:
        marks = ["always"] if field.required else []
        marks += ["*personal*"] if field.name in personal else []
        meaning = meanings.get(field.name, "")
        rows.append(f"| `{field.name}` | {_words(field.type)} | {', '.join(marks)} | {meaning} |")
    return "\n".join(rows) + "\n"


def _words(hint: Any) -> str:
    """A type as people say it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _words(args[0])
    if origin in (Union, UnionType):
        return " or ".join(_words(arg) for arg in args if arg is not type(None))
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in args)
    if origin is tuple:
        return f"list of {_words(args[0])}"
    return PLAIN.get(hint) or str(hint.__name__)


def _parts(hint: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs that are written inside the fields of an event."""
    if not isinstance(hint, type) or not issubclass(hint, msgspec.Struct):
        for arg in get_args(hint):
            yield from _parts(arg)
        return
    if not issubclass(hint, Event):
        yield hint
    for field in msgspec.structs.fields(hint):
        yield from _parts(field.type)


def _meanings(cls: type) -> dict[str, str]:
    """The docstrings that stand below the fields of a class and of those it builds on."""
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("domain.") and base is not Event:
            meanings |= _field_docstrings(base)
    return meanings


def _field_docstrings(cls: type) -> dict[str, str]:
    [node] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(node, ast.ClassDef)  # noqa: S101  # that is what a class parses to
    found = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split()).replace("``", "`").replace("|", "\\|")
    return found


if __name__ == "__main__":
    EVENTS_MD.write_text(events_markdown(), encoding="utf-8")

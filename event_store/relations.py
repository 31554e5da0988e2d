"""What DuckDB shows of the log: all events, those of each kind, and those of each noun.

Every view is a query of its own over the segments that hold such events, and over the tail. One
wide view under all of them would be shorter, but each use of it would be planned with the columns
of every kind of event there is, which takes longer than most questions.
"""

# ruff: noqa: S608 - identifiers and literals are made of the event classes and our own paths

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from domain.kernel import CATALOGUE, EventType
from event_store.columns import ENVELOPE, Shape, column, literal, payload, sql_type, structs

TAIL = "log.tail"

_CUT = (
    "position <= getvariable('log_position') AND occurred_at <= getvariable('cut_at') "
    "AND recorded_at <= getvariable('cut_knew')"
)
_KEPT = [name for name in ENVELOPE if name not in ("name", "type_version", "noun")]
"""The envelope in the views of a kind and of a noun; what never differs there is left out."""

_ENVELOPE_DOCS = {
    "position": "Place in the log, from 1",
    "stream": "Id of the record that the fact belongs to",
    "version": "Place in the record's history, from 1",
    "name": "What happened: order.placed",
    "type_version": "Version of the event's form",
    "noun": "Kind of the record: order",
    "occurred_at": "When it was true",
    "recorded_at": "When we learned of it",
    "actor": "Who asked for it: id of a member, or system:<what>",
    "on_behalf_of": "For whom they asked",
    "reason": "Why, for those who read it later",
    "source": "The way in: form, api, import <file>:<line>",
    "command_id": "The command that it comes from",
    "correlation_id": "What all started with",
    "causation_id": "The command that caused the command",
    "batch_id": "What it was sent together with, such as an import",
    "subjects": "The contacts, accounts and leads that it concerns",
}

Sealed = list[tuple[Path, Collection[str]]]
"""The files of the segments, each with the names of the events in it."""


def tail_table() -> str:
    """Makes the table of the events that are in no segment yet."""
    types = {**ENVELOPE, **{n: _struct(kind) for n, kind in structs().items()}}
    return f"CREATE TABLE {TAIL} ({', '.join(f'{n} {t}' for n, t in types.items())})"


def views(sealed: Sealed) -> Iterator[str]:
    """Makes all views, in place of those before."""
    everything = list(CATALOGUE.values())
    yield _view("events", "*", everything, sealed)
    yield _comment("events", "Every fact of the log, with a struct column for each kind of event")
    for name, doc in _ENVELOPE_DOCS.items():
        yield f"COMMENT ON COLUMN events.{name} IS {literal(doc)}"
    for kind in everything:
        name = column(kind.name)
        yield _view(name, _fields_of_kind(kind), [kind], sealed)
        yield _comment(name, kind.summary)
    for noun in sorted({kind.noun for kind in everything}):
        kinds = [kind for kind in everything if kind.noun == noun]
        yield _view(f"{noun}_facts", _fields_of_noun(kinds), kinds, sealed)
        yield _comment(f"{noun}_facts", f"All facts of the kind {noun}, side by side")


def _view(name: str, select: str, kinds: list[EventType], sealed: Sealed) -> str:
    found = {kind.name for kind in kinds}
    files = [(path, names) for path, names in sealed if found & set(names)]
    named = f" WHERE name IN ({', '.join(literal(n) for n in sorted(found))})"
    where = "" if len(found) == len(CATALOGUE) else named
    columns = [column(kind.name) for kind in kinds if payload(kind)]
    parts = [f"SELECT {', '.join([*ENVELOPE, *columns])} FROM {TAIL}{where}"]
    if files:
        parts.insert(0, f"SELECT {_from_files(kinds, files)}{where}")
    return (
        f"CREATE OR REPLACE VIEW {name} AS SELECT {select} "
        f"FROM ({' UNION ALL '.join(parts)}) WHERE {_CUT}"
    )


def _from_files(kinds: list[EventType], files: Sealed) -> str:
    """The columns, with null for kinds of events that are in none of the files."""
    there = {name for _, names in files for name in names}
    columns = [
        column(kind.name)
        if kind.name in there
        else f"CAST(NULL AS {_struct(kind)}) AS {column(kind.name)}"
        for kind in kinds
        if payload(kind)
    ]
    paths = ", ".join(literal(str(path.resolve())) for path, _ in files)
    return f"{', '.join([*ENVELOPE, *columns])} FROM read_parquet([{paths}], union_by_name = true)"


def _comment(view: str, text: str) -> str:
    return f"COMMENT ON VIEW {view} IS {literal(text)}"


def _struct(kind: EventType) -> str:
    return sql_type(dict(payload(kind)))


def _fields_of_kind(kind: EventType) -> str:
    """The envelope, then the event's own fields.

    A field that has the name of an envelope column is called ``said_<name>``.
    """
    own = [f'{_value(kind, field)} AS "{_called(field)}"' for field in payload(kind)]
    return ", ".join([*_KEPT, *own])


def _fields_of_noun(kinds: list[EventType]) -> str:
    """The envelope, what happened, and the fields of all events of the noun.

    Events that have a field of the same name and shape share its column. A field whose shape
    differs from event to event is left out; it is found in the views of those events.
    """
    shapes: dict[str, list[Shape]] = {}
    for kind in kinds:
        for field, shape in payload(kind).items():
            shapes.setdefault(field, []).append(shape)
    fields = [
        f"coalesce({', '.join(_value(k, field) for k in kinds if field in payload(k))}) "
        f'AS "{_called(field)}"'
        for field, found in shapes.items()
        if all(shape == found[0] for shape in found)
    ]
    return ", ".join([*_KEPT, "split_part(name, '.', 2) AS what", *fields])


def _value(kind: EventType, field: str) -> str:
    return f'{column(kind.name)}."{field}"'


def _called(field: str) -> str:
    return f"said_{field}" if field in _KEPT else field

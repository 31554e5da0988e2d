"""Everything that is known of a person, for that person: as data, and as a page to read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from api.facts import fact
from domain.kernel import Event, Recorded
from event_store.store import EventStore
from projections.contacts import Contacts
from replay.history import row_as_of

MASKED = "[about somebody else]"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ccc;padding:.3rem .6rem .3rem 0}"
)


@dataclass(frozen=True, slots=True)
class SubjectExport:
    """What is handed out."""

    contact: UUID
    made_at: datetime
    details: Mapping[str, Any]
    sources: Mapping[str, int]
    """By way in, how many facts came by it."""
    history: Sequence[Mapping[str, Any]]
    masked: int
    """In how many facts something about other people was left out."""


def subject_export(store: EventStore, contact: UUID) -> SubjectExport:
    """What the log holds of a contact and of the leads that they had been. What it says of other
    people in the same facts is masked."""
    mine = store.by_subject(contact)
    leads = {it.stream for it in mine if it.name == "lead.converted"}
    facts = store.by_subject(contact, *leads)
    told = [_masked(it, {contact, *leads}) for it in facts]
    row = row_as_of(store, Contacts(), contact)
    return SubjectExport(
        contact=contact,
        made_at=datetime.now(UTC),
        details={n: v for n, v in asdict(row).items() if v is not None} if row else {},
        sources=_sources(facts),
        history=[fact(it) for it, _ in told],
        masked=sum(masked for _, masked in told),
    )


def _masked(it: Recorded[Any], persons: set[UUID]) -> tuple[Recorded[Any], bool]:
    if it.sealed_for is None or it.sealed_for in persons:
        return it, False
    return replace(it, event=_without_people(it.event)), True


def _without_people(event: Event) -> Event:
    said = {n: getattr(event, n) for n in event.__event__.personal_fields}
    texts = {n: MASKED if isinstance(v, str) else None for n, v in said.items()}
    return replace(event, **texts)


def _sources(facts: Iterable[Recorded[Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for it in facts:
        way = it.source or "unknown"
        found[way] = found.get(way, 0) + 1
    return dict(sorted(found.items()))


def write_export(export: SubjectExport, folder: Path) -> list[Path]:
    """Writes ``<contact>.json`` and ``<contact>.html``, for the user's eyes only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = json.loads(msgspec.json.encode(export, enc_hook=str))
    content = {
        "json": json.dumps(data, ensure_ascii=False, indent=2) + "\n",
        "html": _page(export),
    }
    files = [folder / f"{export.contact}.{kind}" for kind in content]
    for file, text in zip(files, content.values(), strict=True):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
    return files


def _page(export: SubjectExport) -> str:
    when = export.made_at.strftime("%Y-%m-%d %H:%M UTC")
    history = [
        (it["occurred_at"], it["sentence"], it.get("source"), _plain(it["fields"]))
        for it in export.history
    ]
    masked = (
        f"<p>In {export.masked} facts, what is said about other people is masked.</p>"
        if export.masked
        else ""
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>What is known of you</title>"
        f"<style>{STYLE}</style><h1>What is known of you</h1><p>Made at {when}.</p>{masked}"
        f"<h2>Details</h2>{_table(('Field', 'Value'), export.details.items())}"
        f"<h2>Where it is from</h2>{_table(('Source', 'Facts'), export.sources.items())}"
        f"<h2>What happened</h2>{_table(('When', 'What', 'Source', 'Said'), history)}</html>\n"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th scope=col>{escape(name)}" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape('' if v is None else str(v))}" for v in row) for row in rows
    )
    return f"<table><thead><tr>{head}<tbody>{body}</table>"


def _plain(fields: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in fields.items())

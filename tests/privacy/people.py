"""People with a marker in every personal field of every event there is."""

from __future__ import annotations

import mmap
import re
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

import domain  # noqa: F401  # fills the catalogue
from domain.erasure import CertificateDetails, ErasureDetails
from domain.kernel import CATALOGUE, Event, new_id
from event_store.store import Claim, Entry, Envelope, EventStore, Write
from tests.golden.samples import filled

MARK = "zqmarkerzq"
"""Found nowhere else; a person's number of two digits follows."""
ENDS = ("removed", "withdrawn", "held", "converted")
"""Events after which a row is gone, or the person is not to be erased by themselves."""

NOUNS = sorted({kind.noun for kind in CATALOGUE.values() if kind.personal_fields})
TOLD = [
    kind.cls
    for kind in CATALOGUE.values()
    if kind.noun in NOUNS
    and not kind.name.endswith(ENDS)
    and not issubclass(kind.cls, ErasureDetails | CertificateDetails)
]


def marked(cls: type[Event], number: int, contact: UUID) -> Event:
    """The event about the person of that number, with a value in every field."""
    fact = filled(cls)
    own = {name: f"{MARK}{number:02}{name}" for name in _texts(cls)}
    whom = {"contact": contact} if "contact" in cls.__struct_fields__ else {}
    emptied = {"cleared": ()} if "cleared" in cls.__struct_fields__ else {}
    return msgspec.structs.replace(fact, **own, **whom, **emptied)


def _texts(cls: type[Event]) -> list[str]:
    sample = filled(cls)
    return [n for n in cls.__event__.personal_fields if isinstance(getattr(sample, n), str)]


def tell(store: EventStore, number: int) -> UUID:
    """Everything that can be said of a person, in a stream for each kind of record."""
    contact, command = new_id(), new_id()
    streams: dict[str, list[Event]] = {}
    for cls in TOLD:
        streams.setdefault(cls.__event__.noun, []).append(marked(cls, number, contact))
    writes = tuple(
        Write(contact if noun == "contact" else new_id(), 0, tuple(facts), (contact,), contact)
        for noun, facts in streams.items()
    )
    claims = (Claim("contact_email", f"{MARK}{number:02}email", contact),)
    store.append(Entry(Envelope("ada", command, command), writes, claims, (), command.bytes))
    return contact


def hits(folder: Path) -> dict[str, Counter[int]]:
    """Which people's markers lie in which files below a folder, and how often."""
    found: dict[str, Counter[int]] = {}
    wanted = re.compile(MARK.encode() + rb"(\d\d)", re.IGNORECASE)
    for file in folder.rglob("*"):
        if not file.is_file() or file.is_symlink() or file.stat().st_size == 0:
            continue
        with (
            file.open("rb") as content,
            mmap.mmap(content.fileno(), 0, prot=mmap.PROT_READ) as all_,
        ):
            numbers = Counter(int(hit.group(1)) for hit in wanted.finditer(all_))
        if numbers:
            found[str(file.relative_to(folder))] = numbers
    return found


def values(events: list[Any]) -> list[str]:
    """The marked texts that events hold."""
    return [
        text
        for it in events
        for name in it.event.__struct_fields__
        if isinstance(text := getattr(it.event, name), str) and MARK in text
    ]

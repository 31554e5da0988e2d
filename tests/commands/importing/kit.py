"""A folder with a map and files, and a log to import them into."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

from commands.bus import Bus
from commands.desk import Actor
from commands.importing import Plan, Summary, Verdict, dry_run, load, run
from domain.kernel import Recorded
from event_store.memory import MemoryEventStore
from event_store.store import EventStore

ACTOR = Actor("system:test")

ORDERS = """
    source: shop
    files:
      - match: orders*.csv
        columns:
          customer: {required: true}
          date: date
          amount: decimal
        do:
          - command: add-contact
            if_exists: skip
            at: date
            fields:
              contact: {id: customer}
              last_name: customer
          - command: place-order
            at: date
            fields:
              order: {id: number}
              contact: {ref: contact, key: customer}
              currency: {value: USD}
              lines: [{fields: {amount: amount}}]
"""
"""Orders of customers: two commands from one row."""
ORDERS_HEADER = "number,customer,date,amount\n"


class Kit:
    """Writes files, imports them, and reads what came of it."""

    def __init__(self, folder: Path, store: EventStore | None = None) -> None:
        self.folder = folder
        self.store = store or MemoryEventStore()
        self.bus = Bus(self.store)
        self.map = folder / "map.yaml"
        self.rejects = folder / "rejects.csv"

    def write(self, map_text: str, files: dict[str, str | bytes]) -> list[Path]:
        """Writes a map and its files. Returns the paths of the files."""
        self.map.write_text(dedent(map_text).strip() + "\n", encoding="utf-8")
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (self.folder / name).write_bytes(data)
        return [self.folder / name for name in files]

    def plan(self, map_text: str, files: dict[str, str | bytes]) -> Plan:
        return load(self.map, self.write(map_text, files))

    def verdicts(self, map_text: str, files: dict[str, str | bytes]) -> list[Verdict]:
        """What a dry run says."""
        return list(dry_run(self.plan(map_text, files), self.bus, actor=ACTOR))

    def sentences(self, map_text: str, files: dict[str, str | bytes]) -> list[str]:
        return [str(verdict) for verdict in self.verdicts(map_text, files)]

    def run(self, map_text: str, files: dict[str, str | bytes], **options: Any) -> Summary:
        plan = self.plan(map_text, files)
        return run(plan, self.bus, actor=ACTOR, rejects=self.rejects, **options)

    def events(self) -> list[Recorded[Any]]:
        """The whole log."""
        found: list[Recorded[Any]] = []
        while page := self.store.page(len(found)):
            found.extend(page)
        return found

    def facts(self) -> list[Any]:
        return [it.event for it in self.events()]


def one_step(command: str, fields: str, **table: str) -> str:
    """A map of one file, ``rows.csv``, whose rows become one command each."""
    more = "".join(f"    {key}: {value}\n" for key, value in table.items())
    return (
        "source: test\nfiles:\n  - match: rows.csv\n"
        f"{more}    do:\n      - command: {command}\n        fields: {fields}\n"
    )

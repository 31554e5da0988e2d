"""What becomes of each row: decided in mind, one row after the other, each whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec
from pydantic import ValidationError

from commands.desk import Actor, Ask, States, decide
from commands.importing.columns import Values
from commands.importing.errors import BadRow, place
from commands.importing.expressions import shown_key
from commands.importing.plan import Item, Plan, SetupCommand
from commands.importing.steps import NewRecord, Request, RowStep
from commands.importing.values import shown
from commands.registry import Command
from domain.kernel import AGGREGATES, Event, Refused
from event_store.store import Entry, EventStore

Kind = Literal["new", "changes", "duplicate", "left out", "refused"]
KINDS: tuple[Kind, ...] = ("new", "changes", "duplicate", "left out", "refused")
"""A row creates a record; changes some; says nothing that is not known; is for none of the
map's commands; or cannot be carried out."""


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of one row."""

    file: str
    line: int
    kind: Kind
    facts: tuple[Event, ...] = ()
    """What would happen, in order."""
    column: str | None = None
    """The column at fault, where one is."""
    reason: str | None = None
    """Why the row is refused."""
    cells: Sequence[str] = ()
    """The row as it stands in the file."""

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the fields that the facts speak of."""
        return tuple(dict.fromkeys(name for fact in self.facts for name in _said(fact)))

    def __str__(self) -> str:
        at = place(self.file, self.line, self.column)
        if self.reason is not None:
            return f"{at}: {self.kind}: {self.reason}"
        names = ", ".join(fact.__event__.name for fact in self.facts)
        fields = f" ({', '.join(self.changed)})" if self.kind == "changes" else ""
        return f"{at}: {self.kind}{fields}{f': {names}' if names else ''}"


def _said(fact: Event) -> list[str]:
    named = [n for n in fact.__struct_fields__ if n != "cleared" and not n.startswith("from_")]
    return [n for n in named if getattr(fact, n) is not None] + list(getattr(fact, "cleared", ()))


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of some rows, and the entries that make it so."""

    verdicts: list[Verdict]
    entries: list[Entry]


class _Duplicate(Exception):
    """The record of the row was there before the import."""


class Decider:
    """Decides the rows of one import on states that it keeps."""

    def __init__(self, plan: Plan, store: EventStore, actor: Actor, *, resumed: bool) -> None:
        self.states = States(store)
        self._plan, self._store, self._actor = plan, store, actor
        self._made: dict[UUID, str] = {}
        """The rows that made records of late, for those that come with the same key again."""
        self._ask_log = resumed
        """Whether records of this import may be in the log that ``_made`` does not know."""

    def forget(self) -> None:
        """Everything is read anew from here on."""
        self.states.forget()
        self._made.clear()
        self._ask_log = True

    def setup(self) -> list[Entry]:
        """What is carried out before the rows; records that are there are left as they are.

        Raises:
            BadMap: a command is refused.
        """
        asked = (
            self._set_up(step)
            for step in self._plan.setup
            if step.id is None or step.noun is None or not self._exists(step.noun, step.id)
        )
        return [entry for entry in asked if any(write.events for write in entry.writes)]

    def _set_up(self, step: SetupCommand) -> Entry:
        document = self._plan.document
        source = f"import {document.name}:{document.line(step.loc)}"
        try:
            return decide(self._ask(step.command, source, None), self.states).entry
        except Refused as no:
            raise document.bad(step.loc, f"“{step.command.__command__}”: {no}") from no

    def decide(self, items: Sequence[Item]) -> Decided:
        """Decides rows in their order."""
        parsed = [(item, _parsed(item)) for item in items]
        self._read_ahead(parsed)
        entries: list[Entry] = []
        verdicts = [self._row(item, values, entries) for item, values in parsed]
        return Decided(verdicts, entries)

    def _read_ahead(self, parsed: list[tuple[Item, Values | BadRow]]) -> None:
        """Reads at once what the rows name: records, and then holders of unique values."""
        rows = [(item.steps, v) for item, v in parsed if not isinstance(v, BadRow)]
        due = [(s, v) for steps, v in rows for s in steps if s.when is None or s.when(v)]
        ids = [values[place] for step, values in due for place in step.ids]
        self.states.read_streams([one for one in ids if one is not None])
        # A record comes in many rows, but asks for its unique values in the first.
        asking = {_first_of(s, v): (s, v) for s, v in due[::-1] if s.claims}
        claims = {claim for s, v in asking.values() for claim in self._claims(s, v)}
        self.states.read_owners(claims)

    def _claims(self, step: RowStep, values: Values) -> Collection[tuple[str, str]]:
        """The unique values that a row may ask for. A row that is no good asks for none."""
        there = step.new is not None and self._there(step.new, values)
        request = step.change if there else step.request
        try:
            return request.command(values, lambda *_: True).claimed() if request else ()
        except (BadRow, ValidationError):
            return ()

    def _row(self, item: Item, values: Values | BadRow, entries: list[Entry]) -> Verdict:
        file, line, cells = item.file, item.row.line, item.row.cells
        mine: list[Entry] = []
        try:
            if isinstance(values, BadRow):
                raise values
            with self.states.all_or_nothing():
                asked = self._steps(item, values, mine)
        except _Duplicate:
            return Verdict(file, line, "duplicate", cells=cells)
        except BadRow as bad:
            return Verdict(file, line, "refused", (), bad.column, bad.reason, cells)
        entries.extend(mine)
        facts = tuple(fact for entry in mine for write in entry.writes for fact in write.events)
        return Verdict(file, line, _kind(asked, mine), facts, cells=cells)

    def _steps(self, item: Item, values: Values, mine: list[Entry]) -> bool:
        """Decides a row's commands. Returns whether the map has any for it."""
        source = f"import {item.file}:{item.row.line}"
        first: UUID | None = None
        asked = False
        for step in item.steps:
            if step.when is not None and not step.when(values):
                continue
            asked = True
            request = self._request(step, values)
            if request is None:
                continue
            ask = self._ask(self._command(step, request, values), source, first)
            first = first or ask.command_id
            entry = self._entry(step, ask)
            if entry is not None:
                mine.append(entry)
                if step.new is not None:
                    self._made[entry.writes[0].stream] = source
        return asked

    def _request(self, step: RowStep, values: Values) -> Request | None:
        """What is asked for a row; None for nothing.

        Raises:
            _Duplicate: nothing of the row is to be done.
            BadRow: its record is there, and should not be.
        """
        new = step.new
        if new is None or not self._there(new, values):
            return step.request
        if step.if_exists == "skip":
            return None
        if step.if_exists == "change":
            return step.change
        maker = self._maker(values[new.id_place])
        if step.if_exists == "duplicate" and maker is None:
            raise _Duplicate
        by = f", from {maker}" if maker else " in the store"
        raise BadRow(
            f"the {new.noun} “{shown_key(new.key(values))}” is there already{by}", new.column
        )

    def _maker(self, stream: UUID) -> str | None:
        """The row of this import that made a record, or None if it was there before."""
        made = self._made.get(stream)
        if made is None and self._ask_log:
            first = self._store.read(stream, upto=1)
            if first and first[0].batch_id == self._plan.id:
                made = first[0].source
        return made and made.removeprefix("import ")

    def _exists(self, noun: str, stream: UUID) -> bool:
        return self.states.get(AGGREGATES[noun], stream)[1] > 0

    def _there(self, new: NewRecord, values: Values) -> bool:
        stream: UUID | None = values[new.id_place]
        return stream is not None and self._exists(new.noun, stream)

    def _command(self, step: RowStep, request: Request, values: Values) -> Command:
        try:
            return request.command(values, self._exists)
        except ValidationError as bad:
            raise _bad_value(step, bad) from bad

    def _ask(self, command: Command, source: str, first: UUID | None) -> Ask:
        return Ask(
            command,
            self._actor,
            source=source,
            correlation_id=first,
            batch_id=self._plan.id,
        )

    def _entry(self, step: RowStep, ask: Ask) -> Entry | None:
        try:
            decided = decide(ask, self.states)
        except Refused as no:
            raise BadRow(str(no), step.columns.get(no.field or "")) from no
        return decided.entry if decided.is_new else None


def _first_of(step: RowStep, values: Values) -> tuple[int, object]:
    """The same for rows that create the same record by the same step."""
    return id(step), id(values) if step.new is None else values[step.new.id_place]


def _parsed(item: Item) -> Values | BadRow:
    try:
        return item.read(item.row)
    except BadRow as bad:
        return bad


def _bad_value(step: RowStep, bad: ValidationError) -> BadRow:
    problem = bad.errors(include_url=False)[0]
    field = str(problem["loc"][0]) if problem["loc"] else ""
    column = step.columns.get(field)
    said = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else problem["msg"]
    given = problem["input"]
    value = f"{shown(given)}: " if isinstance(given, str) else ""
    where = "" if column else f"{step.request.model.__command__}, {field}: "
    return BadRow(f"{where}{value}{said[:1].lower()}{said[1:]}", column)


def _kind(asked: bool, entries: list[Entry]) -> Kind:
    if not asked:
        return "left out"
    if not entries:
        return "duplicate"
    created = any(write.expected == 0 for entry in entries for write in entry.writes)
    return "new" if created else "changes"

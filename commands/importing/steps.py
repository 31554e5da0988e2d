"""One command that a row may become: compiled once, asked for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from commands.importing.columns import Columns, Text, Values
from commands.importing.conditions import Test, compile_condition
from commands.importing.document import Document, Loc
from commands.importing.errors import BadRow
from commands.importing.expressions import Exists, Expressions, Get, column_of
from commands.importing.language import At, Map, NewId, Step
from commands.registry import COMMANDS, Command
from domain.kernel import AGGREGATES

DAYS_KEPT_MAX = 65_536


@dataclass(frozen=True, slots=True)
class NewRecord:
    """The record that a step creates, unless it is there."""

    noun: str
    id_place: int
    key: Text
    column: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """A command and where its fields come from."""

    model: type[Command]
    fields: list[tuple[str, Get]]

    def command(self, values: Values, exists: Exists) -> Command:
        """The command for a row; what the row does not say is left out.

        Raises:
            BadRow: a record that it refers to is not there.
            ValidationError: a value is not what the command wants.
        """
        said = {}
        for name, get in self.fields:
            value = get(values, exists)
            if value is not None:
                said[name] = value
        return self.model.model_validate(said)


@dataclass(frozen=True, slots=True)
class RowStep:
    """One command that a row may become."""

    request: Request
    claims: bool
    """Whether its command may ask for unique values."""
    columns: dict[str, str | None]
    """The column that each field comes from, for messages."""
    ids: list[int]
    """Where the ids of the records that it names stand, to be read ahead."""
    when: Test | None
    new: NewRecord | None
    if_exists: str
    change: Request | None
    """What is asked in its place if the record is there and the map says ``change``."""


class StepCompiler:
    """Compiles the steps of one table."""

    def __init__(self, map_: Map, columns: Columns, document: Document) -> None:
        self._map, self._columns, self._document = map_, columns, document

    def compile(self, step: Step, loc: Loc) -> RowStep:
        """A step as functions.

        Raises:
            BadMap: it asks for what there is not.
        """
        model = command_model(step.command, step.fields, self._document, loc)
        expressions = Expressions(self._map.source, self._columns, self._document)
        new: NewRecord | None = None
        fields: dict[str, Get] = {}
        for name, value in step.fields.items():
            at = (*loc, "fields", name)
            if isinstance(value, NewId):
                self._check_only(new, name, at)
                new = self._new(expressions, name, value, at)
                fields[name] = _own_id(new)
            else:
                fields[name] = expressions.value(value, at)
        if step.at is not None:
            fields["occurred_at"] = self._at(step.at, (*loc, "at"))
        return RowStep(
            request=Request(model, list(fields.items())),
            claims=not model.__claims__.isdisjoint(fields),
            columns=_columns(step),
            ids=expressions.ids,
            when=self._when(step, loc),
            new=new,
            if_exists=step.if_exists,
            change=self._change(step, new, fields, loc),
        )

    def _check_only(self, new: NewRecord | None, name: str, loc: Loc) -> None:
        if new is not None:
            raise self._document.bad(loc, "a command creates one record, and has its {id: …}")
        if name not in AGGREGATES:
            raise self._document.bad(loc, f"“{name}” is not the id of a record to be created")

    def _new(self, expressions: Expressions, name: str, value: NewId, loc: Loc) -> NewRecord:
        return NewRecord(
            noun=name,
            id_place=expressions.id(name, value.id, loc),
            key=expressions.key(value.id, loc),
            column=column_of(value),
        )

    def _when(self, step: Step, loc: Loc) -> Test | None:
        if step.when is None:
            return None
        at = (*loc, "when")

        def column(name: str) -> tuple[int, Callable[[str], Any]]:
            return self._columns.place(name, at), self._columns.typed(name)

        try:
            return compile_condition(step.when, column)
        except ValueError as bad:
            raise self._document.bad(at, str(bad)) from bad

    def _change(
        self, step: Step, new: NewRecord | None, fields: dict[str, Get], loc: Loc
    ) -> Request | None:
        at = (*loc, "if_exists")
        if new is None and "if_exists" in step.model_fields_set:
            raise self._document.bad(at, "if_exists is for a command that has an {id: …}")
        if new is None or step.if_exists != "change":
            return None
        change = COMMANDS.get(f"change-{new.noun}")
        if change is None:
            raise self._document.bad(at, f"there is no command “change-{new.noun}” to do it with")
        known = change.model.model_fields
        return Request(change.model, [(n, get) for n, get in fields.items() if n in known])

    def _at(self, at: At, loc: Loc) -> Get:
        of_day = time.fromisoformat(at.time or self._map.time_of_day)
        if at.date is not None:
            always = _on_day(of_day, ZoneInfo(self._columns.zone))(at.date)
            return lambda *_: always
        name = at.column or ""
        place, column = self._columns.place(name, loc), self._columns.column(name)
        if column.type not in ("date", "datetime"):
            raise self._document.bad(loc, f"“{name}” has to be of type date or datetime")
        moment = _on_day(of_day, ZoneInfo(column.zone or self._columns.zone))
        refuse = at.if_empty == "refuse"

        def get(values: Values, _: Exists) -> datetime | None:
            when = values[place]
            if when is None and refuse:
                raise BadRow("is empty, but says when this was", name)
            return when if when is None or isinstance(when, datetime) else moment(when)

        return get


def _own_id(new: NewRecord) -> Get:
    def get(values: Values, _: Exists) -> Any:
        found = values[new.id_place]
        if found is None:
            raise BadRow(f"is empty, but tells the {new.noun} from others", new.column)
        return found

    return get


def _columns(step: Step) -> dict[str, str | None]:
    found = {name: column_of(value) for name, value in step.fields.items()}
    return found | ({"occurred_at": step.at.column} if step.at else {})


def _on_day(of_day: time, zone: ZoneInfo) -> Callable[[date], datetime]:
    @lru_cache(maxsize=DAYS_KEPT_MAX)
    def moment(day: date) -> datetime:
        return datetime.combine(day, of_day, zone).astimezone(UTC)

    return moment


def command_model(name: str, fields: Iterable[str], document: Document, loc: Loc) -> type[Command]:
    """The model of a command that has those fields.

    Raises:
        BadMap: there is no such command, or not with those fields.
    """
    kind = COMMANDS.get(name)
    if kind is None:
        raise document.bad((*loc, "command"), f"there is no command “{name}”{near(name, COMMANDS)}")
    known = {field for field in kind.model.model_fields if field != "occurred_at"}
    for field in fields:
        if field not in known:
            hint = "; “at” says when" if field == "occurred_at" else near(field, known)
            raise document.bad((*loc, "fields", field), f"“{name}” has no field “{field}”{hint}")
    for field, info in kind.model.model_fields.items():
        if info.is_required() and field not in fields:
            raise document.bad((*loc, "fields"), f"“{name}” needs the field “{field}”")
    return kind.model


def near(name: str, known: Iterable[str]) -> str:
    """What may have been meant by a name that there is not."""
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    if close:
        return f"; did you mean “{close[0]}”?"
    return f". There are: {', '.join(names)}" if names else ""

"""A map and the files that were given, checked and compiled: all that an import does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from pydantic import ValidationError

from commands.importing.columns import Columns, ReadRow, Values
from commands.importing.document import Document, Loc, read_document
from commands.importing.errors import BadFile, BadMap, BadRow
from commands.importing.ids import NAMESPACE, SEPARATOR, as_text, record_id
from commands.importing.language import WORDS, Map, SetupStep, Table
from commands.importing.reading import Row, Source
from commands.importing.steps import RowStep, StepCompiler, command_model, near
from commands.registry import Command
from domain.kernel import AGGREGATES

SORT_ROWS_MAX = 2_000_000
"""The most rows of a table that is sorted: they are held in memory."""


class Item(msgspec.Struct, frozen=True):
    """One row with what is to become of it."""

    file: str
    row: Row
    read: ReadRow
    steps: list[RowStep]


@dataclass(frozen=True, slots=True)
class SetupCommand:
    """A command that is carried out once, before the rows."""

    command: Command
    noun: str | None
    """Of the record that it creates; None where it creates none."""
    id: UUID | None
    loc: Loc


@dataclass(frozen=True, slots=True)
class TablePlan:
    """Files of one kind and what their rows become."""

    sources: list[tuple[Source, ReadRow]]
    steps: list[RowStep]
    sort_places: list[int]

    def items(self) -> Iterator[Item]:
        """The rows in the order in which they are carried out."""
        items = (
            Item(source.name, row, read, self.steps)
            for source, read in self.sources
            for row in source.rows()
        )
        return iter(sorted(items, key=self._sort_key)) if self.sort_places else items

    def _sort_key(self, item: Item) -> tuple[Any, ...]:
        """Rows that cannot be read come last; they are refused anyway."""
        try:
            values: Values = item.read(item.row)
        except BadRow:
            return (True,)
        return (False, *((values[p] is None, values[p]) for p in self.sort_places))


@dataclass(frozen=True, slots=True)
class Plan:
    """An import that can be tried or run."""

    map: Map
    document: Document
    setup: list[SetupCommand]
    tables: list[TablePlan]
    rows: int
    id: UUID
    """Of the import, and of its batch: the same map and the same content have the same."""

    @property
    def paths(self) -> list[Path]:
        """The files that are read."""
        return [source.path for table in self.tables for source, _ in table.sources]

    def items(self) -> Iterator[Item]:
        """All rows of all files in their order."""
        for table in self.tables:
            yield from table.items()


def load(map_path: Path, files: Sequence[Path]) -> Plan:
    """Reads the map, and the files through once: whatever is wrong with a file as a whole is
    found before anything of it is imported.

    Raises:
        BadMap: the map cannot be used.
        BadFile: a file is not what the map says, or belongs nowhere, or is missing.
    """
    document = read_document(map_path.name, _read(map_path))
    map_ = _validated(document)
    matched = _matched(map_, document, files)
    setup = [_setup(map_, step, document, ("setup", n)) for n, step in enumerate(map_.setup)]
    tables = [_table(map_, n, document, sources) for n, sources in enumerate(matched)]
    rows = [_count(source) for sources in matched for source in sources]
    _check_sortable(map_, matched, document, rows)
    return Plan(map_, document, setup, tables, sum(rows), _import_id(map_, matched))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as bad:
        raise BadMap(path.name, f"cannot be read: {bad.strerror}") from bad
    except UnicodeDecodeError as bad:
        raise BadMap(path.name, f"is no UTF-8 text: byte {bad.start + 1}") from bad


def _validated(document: Document) -> Map:
    try:
        return Map.model_validate(document.data)
    except ValidationError as bad:
        loc, sentence = _problem(bad, WORDS)
        raise document.bad(loc, sentence) from bad


def _problem(bad: ValidationError, known: Iterable[str]) -> tuple[Loc, str]:
    """Where something is wrong, and the sentence about it."""
    # A key that is misspelt is missing as well; to say that it is unknown helps more.
    problem = min(bad.errors(), key=lambda it: it["type"] != "extra_forbidden")
    loc: Loc = problem["loc"]
    words = [str(part) for part in loc]
    name = words[-1] if words else "the map"
    match problem["type"]:
        case "extra_forbidden":
            return loc, f"unknown key “{name}”{near(name, known)}"
        case "missing":
            return loc, f"“{name}” is missing{_under(words[:-1])}"
        case "value_error":
            return loc, f"“{name}”: {problem['ctx']['error']}"
        case _:
            return loc, f"“{name}”: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _under(words: list[str]) -> str:
    return f" under “{' › '.join(words)}”" if words else ""


def _matched(map_: Map, document: Document, files: Sequence[Path]) -> list[list[Source]]:
    seen: set[Path] = set()
    for path in files:
        if not path.is_file():
            raise BadFile(path.name, "there is no such file")
        if path.resolve() in seen:
            raise BadFile(path.name, "the file is given twice")
        seen.add(path.resolve())
    found = [[Source(p, table) for p in files if _matches(p, table)] for table in map_.files]
    patterns = ", ".join(f"“{one}”" for table in map_.files for one in table.match)
    for path in files:
        if not any(_matches(path, table) for table in map_.files):
            raise BadFile(path.name, f"no pattern of the map matches it. There are: {patterns}")
    for n, (table, sources) in enumerate(zip(map_.files, found, strict=True)):
        if not sources:
            wanted = " or ".join(f"“{one}”" for one in table.match)
            raise document.bad(("files", n, "match"), f"no file was given that matches {wanted}")
    return found


def _matches(path: Path, table: Table) -> bool:
    return any(fnmatchcase(path.name, pattern) for pattern in table.match)


def _table(map_: Map, n: int, document: Document, sources: list[Source]) -> TablePlan:
    table, loc = map_.files[n], ("files", n)
    columns = Columns(table, document, loc, map_.zone)
    compiler = StepCompiler(map_, columns, document)
    steps = [compiler.compile(step, (*loc, "do", i)) for i, step in enumerate(table.do)]
    sort_places = [columns.place(name, (*loc, "sort_by")) for name in table.sort_by]
    return TablePlan([(s, columns.row_reader(s)) for s in sources], steps, sort_places)


def _count(source: Source) -> int:
    """Reads the file through. Raises BadFile where that cannot be done."""
    count = sum(1 for _ in source.rows())
    if not count:
        raise BadFile(
            source.name,
            "the file has a header and no rows" if source.table.header else "the file is empty",
        )
    return count


def _check_sortable(
    map_: Map, matched: list[list[Source]], document: Document, rows: list[int]
) -> None:
    counts = iter(rows)
    for n, (table, sources) in enumerate(zip(map_.files, matched, strict=True)):
        total = sum(next(counts) for _ in sources)
        if table.sort_by and total > SORT_ROWS_MAX:
            raise document.bad(
                ("files", n, "sort_by"),
                f"{total:,} rows are too many to sort; {SORT_ROWS_MAX:,} can be",
            )


def _import_id(map_: Map, matched: list[list[Source]]) -> UUID:
    content = hashlib.sha256(map_.model_dump_json().encode())
    for n, sources in enumerate(matched):
        for source in sources:
            content.update(f"{SEPARATOR}{n}{SEPARATOR}{source.name}{SEPARATOR}".encode())
            content.update(source.digest())
    return uuid5(NAMESPACE, content.hexdigest())


def _setup(map_: Map, step: SetupStep, document: Document, loc: Loc) -> SetupCommand:
    model = command_model(step.command, step.fields, document, loc)
    fields = {name: _constant(map_, name, value) for name, value in step.fields.items()}
    if step.at is not None:
        of_day = time.fromisoformat(map_.time_of_day)
        fields["occurred_at"] = datetime.combine(step.at, of_day, ZoneInfo(map_.zone))
    own = next((n for n, v in step.fields.items() if _is_id(v) and n in AGGREGATES), None)
    try:
        command = model.model_validate(fields)
    except ValidationError as bad:
        at, sentence = _problem(bad, ())
        raise document.bad((*loc, "fields", *at), sentence) from bad
    return SetupCommand(command, own, fields[own] if own else None, loc)


def _is_id(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"id"}


def _constant(map_: Map, name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_constant(map_, name, one) for one in value]
    if not isinstance(value, dict):
        return value
    if _is_id(value):
        return record_id(map_.source, name, _key(value["id"]))
    if "ref" in value and value.keys() <= {"ref", "key", "source"}:
        return record_id(value.get("source", map_.source), value["ref"], _key(value.get("key")))
    return {part: _constant(map_, part, one) for part, one in value.items()}


def _key(key: Any) -> str:
    return SEPARATOR.join(as_text(part) for part in (key if isinstance(key, list) else [key]))

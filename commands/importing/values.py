"""From the text in a cell to a value: one function for each column, made once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from commands.importing.language import Column

Read = Callable[[str], Any]
"""A cell's text to its value; None for an empty one.

Raises:
    ValueError: the text is no such value; the message says why.
"""

CACHED_MAX = 4_096
"""Texts of a column that are read once and remembered: dates and amounts come again."""
SHOWN_MAX = 60
"""Characters of a cell that an error shows."""


def shown(text: str) -> str:
    """A cell's text as an error shows it."""
    return f"“{text[:SHOWN_MAX]}…”" if len(text) > SHOWN_MAX else f"“{text}”"


def cell_reader(column: Column, zone: str) -> Read:
    """Everything that the map says of a column, in one function. ``zone`` is the one of the
    file, for a column that names none.

    Raises:
        ValueError: the column's own default is no such value.
    """
    read = _checked(column, typed_reader(column, zone))
    if column.split:
        read = _part(column.split, column.part - 1, read)
    if column.type != "text":
        read = lru_cache(maxsize=CACHED_MAX)(read)
    if column.default is not None:
        read(column.default)  # a bad default is the map's mistake, not a row's
    return read


def _part(mark: str, place: int, read: Read) -> Read:
    def read_part(text: str) -> Any:
        parts = text.split(mark)
        return read(parts[place] if place < len(parts) else "")

    return read_part


def _checked(column: Column, typed: Read) -> Read:
    trim, strip, default = column.trim, column.strip, column.default
    empties = frozenset(["", *column.empty])
    values, only, required = column.values, column.only, column.required

    def read(text: str) -> Any:
        if trim:
            text = text.strip()
        if strip:
            text = text.strip(strip)
            text = text.strip() if trim else text
        if text in empties and text not in values:
            if default is None:
                if required:
                    raise ValueError("is empty")
                return None
            text = default
        mapped = values.get(text)
        if mapped is None:
            if only:
                raise ValueError(f"{shown(text)} is none of: {', '.join(values)}")
            mapped = text
        return typed(mapped) if mapped else None

    return read


def typed_reader(column: Column, zone: str) -> Read:
    """The column's type alone: a text that is not empty to its value."""
    match column.type:
        case "text":
            return lambda text: text
        case "integer":
            return _integer(column.group)
        case "decimal":
            return _decimal(column.decimal, column.group)
        case "boolean":
            return _boolean(column.true, column.false)
        case "date":
            return _moment(column.formats, _iso_date, lambda it: it.date(), "date")
        case "datetime":
            place = ZoneInfo(column.zone or zone)
            return _moment(column.formats, datetime.fromisoformat, _in(place), "date and time")


def _digits(group: str) -> str:
    if not group:
        return "[0-9]+"
    mark = "[ \u00a0\u202f]" if group == " " else re.escape(group)
    return f"(?:[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]+)"


def _integer(group: str) -> Read:
    form = re.compile(f"[-+]?{_digits(group)}")

    def read(text: str) -> int:
        if form.fullmatch(text) is None:
            raise ValueError(f"{shown(text)} is no whole number")
        return int(re.sub("[^-0-9]", "", text))

    return read


def _decimal(mark: str, group: str) -> Read:
    fraction = f"{re.escape(mark)}[0-9]+"
    form = re.compile(f"[-+]?(?:{_digits(group)}(?:{fraction})?|{fraction})")
    noise = re.compile(f"[^-0-9{re.escape(mark)}]")

    def read(text: str) -> Decimal:
        if form.fullmatch(text) is None:
            raise ValueError(f"{shown(text)} is no number{_marks(text, mark, group)}")
        return Decimal(noise.sub("", text).replace(mark, "."))

    return read


def _marks(text: str, mark: str, group: str) -> str:
    if text.count(mark) > 1:
        return f": it has {text.count(mark)} decimal marks “{mark}”"
    groups = f" and the group mark “{group}”" if group else ""
    return f" with the decimal mark “{mark}”{groups}"


def _boolean(true: list[str], false: list[str]) -> Read:
    known = {word.casefold(): False for word in false} | {w.casefold(): True for w in true}

    def read(text: str) -> bool:
        found = known.get(text.casefold())
        if found is None:
            raise ValueError(f"{shown(text)} is neither yes ({true[0]}) nor no ({false[0]})")
        return found

    return read


def _iso_date(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC)


def _in(zone: ZoneInfo) -> Callable[[datetime], datetime]:
    def place(moment: datetime) -> datetime:
        # Of the two moments that a clock shows when it is set back, the first one is meant.
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return aware.astimezone(UTC)

    return place


def _moment(formats: list[str], iso: Read, finish: Callable[[datetime], Any], what: str) -> Read:
    parsers = [iso if form == "iso" else _strptime(form) for form in formats]
    sample = "2016-12-31" if what == "date" else "2016-12-31 23:59:59"
    forms = " or ".join(f"iso ({sample})" if form == "iso" else form for form in formats)

    def read(text: str) -> Any:
        for parse in parsers:
            try:
                return finish(parse(text))
            except (ValueError, OverflowError):
                continue
        raise ValueError(f"{shown(text)} is no {what} there is; expected is {forms}")

    return read


def _strptime(form: str) -> Read:
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007  # the zone follows

"""Named metrics: SQL files that say in their head what they mean and what can be set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from domain.kernel import CATALOGUE

FOLDER = Path(__file__).parent / "metrics"
EXCLUDED = "-- excluded:"
"""The line that parts a metric's query from the one that counts what it leaves out."""

Kind = Literal["text", "integer", "day", "zone", "event"]


class NoSuchMetric(Exception):
    """There is no metric of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no metric {name!r}; there are: {', '.join(metrics())}")


class BadSetting(Exception):
    """A metric was given a setting that it does not have, or a value that does not fit."""

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting}: {why}")
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Setting:
    """Something about a metric that can be chosen."""

    name: str
    doc: str
    default: Any = None
    kind: Kind = "text"
    allowed: tuple[str, ...] = ()
    """The values there are, where they are few."""
    least: int | None = None
    most: int | None = None

    def read(self, given: Any) -> Any:
        """The value to bind, from what a form, a flag or a query string says.

        Raises:
            BadSetting: it does not fit.
        """
        if given is None or given == "":
            return self.default
        if self.allowed and given not in self.allowed:
            raise BadSetting(self.name, f"{given!r} is none of {', '.join(self.allowed)}")
        try:
            value = _READ[self.kind](given)
        except ValueError:
            raise BadSetting(self.name, f"{given!r} is no {_WORDS[self.kind]}") from None
        self._check_range(value)
        return value

    @property
    def words(self) -> str:
        """What kind of value it takes."""
        return _WORDS[self.kind]

    def _check_range(self, value: Any) -> None:
        if self.least is not None and value < self.least:
            raise BadSetting(self.name, f"{value} is less than {self.least}")
        if self.most is not None and value > self.most:
            raise BadSetting(self.name, f"{value} is more than {self.most}")


def _event(given: Any) -> str:
    if any(given in (kind.name, kind.noun) for kind in CATALOGUE.values()):
        return str(given)
    raise ValueError(given)


def _day(given: Any) -> date:
    return given if isinstance(given, date) else date.fromisoformat(str(given))


_READ: dict[Kind, Callable[[Any], Any]] = {
    "text": str,
    "integer": int,
    "day": _day,
    "zone": str,
    "event": _event,
}
_WORDS: dict[Kind, str] = {
    "text": "text",
    "integer": "whole number",
    "day": "day (such as 2026-07-01)",
    "zone": "time zone",
    "event": "event (such as order.placed) or kind of record (order)",
}


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """A column of a metric: what it means and what it is counted in."""

    doc: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A question that has a name, a definition and a query."""

    name: str
    title: str
    definition: str
    source: str
    """Where the formula is from."""
    settings: dict[str, Setting]
    columns: dict[str, MetricColumn]
    sql: str
    excluded: str | None
    """A query for ``why, rows``: what the metric leaves out."""

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All settings with their values.

        Raises:
            BadSetting: one is unknown, or its value does not fit.
        """
        for name in given:
            if name not in self.settings:
                there = ", ".join(self.settings) or "none"
                raise BadSetting(name, f"{self.name} has no such setting; it has: {there}")
        return {name: it.read(given.get(name)) for name, it in self.settings.items()}


@cache
def metrics() -> dict[str, Metric]:
    """Every metric there is, by name."""
    return {file.stem: _read(file) for file in sorted(FOLDER.glob("*.sql"))}


def metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        NoSuchMetric: there is none.
    """
    if name not in metrics():
        raise NoSuchMetric(name)
    return metrics()[name]


def _read(file: Path) -> Metric:
    text = file.read_text(encoding="utf-8")
    head, end, body = text.removeprefix("/*").partition("*/")
    if not (text.startswith("/*") and end):
        raise ValueError(f"{file.name} does not begin with what it means, in /* */")
    said = yaml.safe_load(head)
    query, _, excluded = body.partition(EXCLUDED)
    return Metric(
        name=file.stem,
        title=said["title"],
        definition=" ".join(said["definition"].split()),
        source=said["source"],
        settings={n: _setting(n, s) for n, s in said.get("settings", {}).items()},
        columns={n: MetricColumn(**c) for n, c in said["columns"].items()},
        sql=query.strip(),
        excluded=excluded.strip() or None,
    )


def _setting(name: str, said: dict[str, Any]) -> Setting:
    allowed = tuple(said.pop("allowed", ()))
    return Setting(name=name, allowed=allowed, **said)

"""Retention: the cohort table, how it is made, and its rows as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.problems import Problem
from api.web.pages import AsOf, Pages, Past

if TYPE_CHECKING:
    from projections.analytics.results import Result

METRIC = "retention"
STEPS = 10
CHOICES = {
    "period": ("Periods", {"day": "days", "week": "weeks", "month": "months"}),
    "counting": (
        "A return counts",
        {"on": "in the period itself", "on_or_after": "in the period or later"},
    ),
    "window": (
        "Periods begin",
        {"calendar": "with the calendar", "rolling": "with each first order"},
    ),
    "mean": (
        "The mean is",
        {"weighted": "weighted by cohort", "simple": "the same for each cohort"},
    ),
}
"""What can be chosen on the page, in words; all else is for the API and the command line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cohort in one period."""

    people: int
    share: float | None
    """None while the period is in progress."""
    step: int
    """1 to 10: how strongly it is coloured; 0 for the period that everybody is in."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """A row of the table."""

    name: str
    size: int
    cells: tuple[Cell | None, ...]
    """By period; None where the cohort has not come so far."""


@dataclass(frozen=True, slots=True)
class Cohorts:
    """The table."""

    unit: str
    periods: tuple[int, ...]
    rows: tuple[Cohort, ...]
    mean: Cohort | None
    most: float
    """The largest share after the first period: the strongest colour."""
    unfinished: int = field(default=0)

    @property
    def size(self) -> int:
        return sum(row.size for row in self.rows)


def cohorts(rows: list[dict[str, Any]], unit: str) -> Cohorts:
    """The table from the rows of the metric. Pure."""
    periods = tuple(sorted({row["period"] for row in rows}))
    shares = [row["share"] for row in rows if row["period"] and row["share"] is not None]
    most = max(shares, default=0.0)
    by_cohort: dict[date | None, list[dict[str, Any]]] = {}
    for row in rows:
        by_cohort.setdefault(row["cohort"], []).append(row)
    means = by_cohort.pop(None, None)
    return Cohorts(
        unit=unit,
        periods=periods,
        rows=tuple(
            _cohort(_name(first, unit), of, periods, most)
            for first, of in by_cohort.items()
            if first
        ),
        mean=_cohort("Mean", means, periods, most) if means else None,
        most=most,
        unfinished=sum(not row["complete"] for row in rows),
    )


def _cohort(name: str, rows: list[dict[str, Any]], periods: tuple[int, ...], most: float) -> Cohort:
    by_period = {row["period"]: row for row in rows}
    cells = tuple(_cell(by_period[n], most) if n in by_period else None for n in periods)
    return Cohort(name, rows[0]["size"], cells)


def _cell(row: Mapping[str, Any], most: float) -> Cell:
    share = row["share"] if row["complete"] else None
    return Cell(row["retained"], share, step(share or 0.0, most) if row["period"] else 0)


def step(share: float, most: float) -> int:
    """Which of the ten colours a share has, where the largest one has the last."""
    return min(STEPS, 1 + int(share / most * STEPS)) if most else 1


def _name(first: date, unit: str) -> str:
    match unit:
        case "month":
            return f"{first:%B %Y}"
        case "week":
            return f"Week of {first.day} {first:%b %Y}"
        case _:
            return f"{first.day} {first:%b %Y}"


def routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/insights/retention")
    def page(request: Request, past: AsOf) -> Response:
        given = chosen(request)
        result = _ask(pages, past, given)
        return pages.show(
            request,
            "retention.html",
            here="Insights",
            past=past,
            result=result,
            table=cohorts(result.dicts(), result.settings["period"]),
            choices=CHOICES,
            kept=given,
            file=f"/insights/retention.csv?{urlencode({**past.parameters, **given})}",
        )

    @router.get("/insights/retention.csv")
    def file(request: Request, past: AsOf) -> Response:
        result = _ask(pages, past, chosen(request))
        named = {"Content-Disposition": 'attachment; filename="retention.csv"'}
        return Response(as_csv(result), media_type="text/csv; charset=utf-8", headers=named)

    return router


def chosen(request: Request) -> dict[str, str]:
    """The settings that the address names; those of the moment are told apart."""
    given = request.query_params.items()
    return {name: value for name, value in given if name not in ("at", "knew") and value}


def _ask(pages: Pages, past: Past, settings: Mapping[str, str]) -> Result:
    # DuckDB is loaded only where it is needed.
    from projections.analytics.definitions import BadSetting

    try:
        return pages.workspace.analyst.metric(METRIC, past.cut, settings)
    except BadSetting as bad:
        raise Problem(422, "Invalid", f"{bad}.", field=bad.setting) from bad


def as_csv(result: Result) -> str:
    """The rows as they are, with the names of the columns on top."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(result.names)
    writer.writerows(result.rows)
    return out.getvalue()

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from api.web import retention


def row(cohort: date | None, period: int, share: float | None, size: int = 100) -> dict[str, Any]:
    retained = round(size * share) if share is not None else 4
    return {
        "cohort": cohort,
        "size": size,
        "period": period,
        "retained": retained,
        "share": share,
        "complete": share is not None,
    }


JANUARY, FEBRUARY = date(1997, 1, 1), date(1997, 2, 1)
ROWS = [
    row(JANUARY, 0, 1.0),
    row(JANUARY, 1, 0.2),
    row(JANUARY, 2, None),
    row(FEBRUARY, 0, 1.0, 50),
    row(FEBRUARY, 1, 0.1, 50),
    row(None, 0, 1.0, 150),
    row(None, 1, 1 / 6, 150),
]


def test_cohorts_are_rows_and_periods_columns() -> None:
    table = retention.cohorts(ROWS, "month")
    assert table.periods == (0, 1, 2)
    assert [one.name for one in table.rows] == ["January 1997", "February 1997"]
    assert table.size == 150
    assert table.mean is not None
    assert table.mean.size == 150
    assert table.rows[1].cells[2] is None


def test_what_is_not_over_yet_has_no_share() -> None:
    table = retention.cohorts(ROWS, "month")
    cell = table.rows[0].cells[2]
    assert cell is not None
    assert (cell.share, cell.people) == (None, 4)
    assert table.unfinished == 1


def test_the_largest_share_has_the_strongest_colour() -> None:
    table = retention.cohorts(ROWS, "month")
    steps = [cell.step for one in table.rows for cell in one.cells if cell]
    assert steps == [0, 10, 1, 0, 6]


@pytest.mark.parametrize(
    ("share", "most", "step"), [(0.0, 0.4, 1), (0.4, 0.4, 10), (0.2, 0.4, 6), (0.0, 0.0, 1)]
)
def test_steps(share: float, most: float, step: int) -> None:
    assert retention.step(share, most) == step


@pytest.mark.parametrize(
    ("unit", "name"),
    [("month", "January 1997"), ("week", "Week of 1 Jan 1997"), ("day", "1 Jan 1997")],
)
def test_cohorts_are_named_by_their_period(unit: str, name: str) -> None:
    assert retention.cohorts(ROWS, unit).rows[0].name == name


def test_no_orders_no_table() -> None:
    table = retention.cohorts([], "month")
    assert (table.rows, table.mean, table.most) == ((), None, 0.0)

"""The facts that everybody knows of the orders of CDNOW come out of the metrics, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.realdata.conftest import Imported
from tests.realdata.questions import Questions, questions

pytestmark = pytest.mark.realdata

END = "1998-07-01"
"""The first day after the data."""
COHORTS = {
    "1997-01-01": "781 124 95 70 65 77 65 53 52 45 62 59 45 47 63 37 37 33",
    "1997-02-01": "857 134 110 75 77 75 61 61 74 70 59 57 59 70 56 59 60",
    "1997-03-01": "719 87 84 78 63 64 55 57 73 65 47 51 78 32 38 45",
}


@pytest.fixture(scope="module")
def sample(cdnow_sample: Imported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questions]:
    with questions(cdnow_sample.dsn, tmp_path_factory.mktemp("archive")) as asked:
        yield asked


@pytest.fixture(scope="module")
def full(cdnow: Imported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questions]:
    with questions(cdnow.dsn, tmp_path_factory.mktemp("archive")) as asked:
        yield asked


def test_orders_of_the_sample(sample: Questions) -> None:
    row = sample.row("orders_summary")
    assert (row["orders"], row["customers"], row["customer_days"]) == (6_919, 2_357, 6_696)
    assert (row["currency"], row["gross"]) == ("USD", Decimal("244091.94"))
    assert (row["units"], row["free_orders"]) == (16_479, 8)


def test_orders_of_the_full_file(full: Questions) -> None:
    row = full.row("orders_summary")
    assert (row["orders"], row["customers"], row["customer_days"]) == (69_659, 23_570, 67_591)
    assert (row["gross"], row["units"]) == (Decimal("2500315.63"), 167_881)


def test_repeat_customers_of_the_sample(sample: Questions) -> None:
    row = sample.row("repeat_rate")
    assert (row["repeat_by_days"], row["repeat_by_orders"]) == (1_139, 1_152)
    assert round(row["rate_by_days"], 6) == 0.483241


def test_repeat_customers_of_the_full_file(full: Questions) -> None:
    row = full.row("repeat_rate")
    assert (row["repeat_by_days"], row["repeat_by_orders"]) == (11_516, 11_662)
    assert round(row["rate_by_days"], 6) == 0.488587


def test_the_calibration_period(sample: Questions) -> None:
    row = sample.row("repeat_rate", until="1997-10-01")
    assert (row["repeat_by_days"], row["repeat_occasions"]) == (946, 2_457)


def test_the_holdout_period(sample: Questions) -> None:
    row = sample.row("orders_summary", since="1997-10-01", until=END)
    assert (row["customer_days"], row["orders"], row["customers"]) == (1_882, 1_959, 684)


def test_what_models_of_repeat_buying_start_from(sample: Questions, cdnow_sample: Imported) -> None:
    """Occasions after the first, weeks to the last one and to the end, and the mean spend."""
    ours = sample.sql(
        """
        WITH days AS (
            SELECT customer, placed_at::DATE AS day, sum(net) AS spent
            FROM orders WHERE placed_at < '1997-10-01' GROUP BY ALL
        ),
        known AS (SELECT *, min(day) OVER (PARTITION BY customer) AS first FROM days)
        SELECT
            any_value(c.external_id), count(*) - 1, round((max(day) - min(first)) / 7, 2),
            round((DATE '1997-09-30' - min(first)) / 7, 2),
            round(coalesce(avg(spent) FILTER (day > first), 0)::DECIMAL(18, 6), 2)::DOUBLE
        FROM known JOIN contacts AS c ON c.id = customer GROUP BY customer
        """
    )
    (file,) = cdnow_sample.files
    pairs = (line.split()[:2] for line in file.read_text().splitlines())
    number = {in_full: int(in_sample) for in_full, in_sample in pairs}
    theirs = duckdb.execute(
        "SELECT x::BIGINT, t_x, T, zbar FROM read_csv(?) ORDER BY ID",
        [str(file.parent / "cdnow_customers_summary_with_transactions.csv")],
    ).fetchall()
    assert len(ours) == 2_357
    assert [row[1:] for row in sorted(ours, key=lambda row: number[row[0]])] == theirs


def retention(asked: Questions, **settings: Any) -> dict[tuple[str | None, int], dict[str, Any]]:
    rows = asked.rows("retention", until=END, periods=17, **settings)
    return {(row["cohort"] and str(row["cohort"]), row["period"]): row for row in rows}


def test_three_cohorts_month_by_month(sample: Questions) -> None:
    found = retention(sample)
    for cohort, told in COHORTS.items():
        counts = [int(count) for count in told.split()]
        cells = [found[cohort, n] for n in range(len(counts))]
        assert [cell["retained"] for cell in cells] == counts
        assert all(cell["complete"] for cell in cells)
        assert (cohort, len(counts)) not in found
    assert len([row for row in found.values() if row["cohort"]]) == 18 + 17 + 16


def test_a_month_that_some_cannot_have_reached_is_not_held_against_them(sample: Questions) -> None:
    last = retention(sample)[None, 17]
    assert (last["size"], last["cohorts"]) == (781, 1)
    assert round(last["share"], 6) == 0.042254


@pytest.mark.parametrize(
    ("window", "counting", "retained"),
    [
        ("calendar", "on", 345),
        ("rolling", "on", 322),
        ("rolling", "on_or_after", 1_023),
        ("calendar", "on_or_after", 1_066),
    ],
)
def test_four_meanings_of_the_first_month(
    sample: Questions, window: str, counting: str, retained: int
) -> None:
    mean = retention(sample, window=window, counting=counting)[None, 1]
    assert (mean["retained"], mean["size"]) == (retained, 2_357)


def test_two_means(sample: Questions) -> None:
    assert round(retention(sample)[None, 1]["share"], 6) == 0.146373
    assert round(retention(sample, mean="simple")[None, 1]["share"], 6) == 0.145377


def test_rfm_as_of_the_day_after(sample: Questions) -> None:
    row = sample.row("rfm_summary", day=END)
    assert row["customers"] == 2_357
    assert (row["recency_median"], round(row["recency_mean"], 6)) == (474, 372.563852)
    assert (round(row["frequency_mean"], 6), row["frequency_max"]) == (2.840899, 44)
    assert row["monetary_median"] == Decimal("43.06")
    assert round(row["monetary_mean"], 6) == 103.560433
    assert row["monetary_max"] == Decimal("6552.70")


def test_rfm_fifths_are_as_equal_as_can_be(sample: Questions) -> None:
    rows = sample.rows("rfm", day=END)
    for score in "rfm":
        sizes = [sum(row[score] == fifth for row in rows) for fifth in range(1, 6)]
        assert sizes == [472, 472, 471, 471, 471]


def test_the_full_file_has_the_same_answers_by_sql(full: Questions) -> None:
    assert full.sql(
        """
        SELECT count(*), count(DISTINCT customer), sum(net)
        FROM orders
        WHERE placed_at < '1997-04-01'
        """
    ) == full.sql(
        """
        SELECT count(*), count(DISTINCT coalesce(account, contact)), sum(lines[1].amount)
        FROM order_placed
        WHERE occurred_at < '1997-04-01'
        """
    )
    # All customers began in the first quarter: the file is one cohort of it.
    assert full.sql(
        "SELECT count(DISTINCT customer) FROM orders WHERE placed_at < '1997-04-01'"
    ) == [(23_570,)]

"""The facts of the opportunities of a reseller of hardware come out of the metrics, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.realdata.conftest import Imported
from tests.realdata.questions import Questions, end_of, questions

pytestmark = pytest.mark.realdata

LAST_DAY = "2017-12-31"


@pytest.fixture(scope="module")
def asked(maven: Imported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questions]:
    with questions(maven.dsn, tmp_path_factory.mktemp("archive")) as it:
        yield it


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_how_many_stand_where(asked: Questions) -> None:
    assert asked.sql("SELECT status, count(*) FROM opportunities GROUP BY ALL ORDER BY ALL") == [
        ("lost", 2_473),
        ("open", 1_589 + 500),
        ("won", 4_238),
    ]
    snapshot = by(asked.rows("pipeline_snapshot"), "stage")
    assert {stage: row["open"] for stage, row in snapshot.items()} == {
        "Prospecting": 500,
        "Engaging": 1_589,
    }


def test_days_of_engagement_and_of_closing(asked: Questions) -> None:
    engaged = "SELECT min(entered_at)::DATE, max(entered_at)::DATE FROM stage_spans"
    assert asked.sql(f"{engaged} WHERE stage = 'Engaging'") == [
        (date(2016, 10, 20), date(2017, 12, 27))
    ]
    assert asked.sql("SELECT min(closed_at)::DATE, max(closed_at)::DATE FROM opportunities") == [
        (date(2017, 3, 1), date(2017, 12, 31))
    ]


def test_won_value(asked: Questions) -> None:
    whole = asked.row("won_value", period="all")
    assert (whole["won"], whole["value"], whole["currency"]) == (4_238, 10_005_534, "USD")
    assert round(whole["mean"], 6) == 2360.909391
    quarters = [(row["period"], row["won"], row["value"]) for row in asked.rows("won_value")]
    assert quarters == [
        (date(2017, 1, 1), 531, 1_134_672),
        (date(2017, 4, 1), 1_254, 3_086_111),
        (date(2017, 7, 1), 1_257, 2_982_255),
        (date(2017, 10, 1), 1_196, 2_802_496),
    ]


def test_win_rates(asked: Questions) -> None:
    whole = asked.row("win_rate", period="all")
    assert (whole["won"], whole["lost"], round(whole["rate"], 6)) == (4_238, 2_473, 0.631501)
    rates = [round(row["rate"], 6) for row in asked.rows("win_rate")]
    assert rates == [0.820711, 0.617126, 0.614069, 0.602519]
    assert round(whole["won"] / 8_800, 6) == 0.481591


def test_the_cohort_of_october_is_cut_off_on_the_left(asked: Questions) -> None:
    months = by(asked.rows("win_rate", by="open", period="month"), "period")
    october = months[date(2016, 10, 1)]
    assert (october["won"], october["lost"], october["open"]) == (7, 0, 0)


def test_days_from_engagement_to_close(asked: Questions) -> None:
    rows = by(asked.rows("cycle_time", end_of(LAST_DAY), from_stage="Engaging"), "outcome")
    assert (rows["won"]["median_days"], round(rows["won"]["mean_days"], 6)) == (57, 51.781973)
    assert (rows["lost"]["median_days"], round(rows["lost"]["mean_days"], 6)) == (14, 41.479175)
    assert rows["closed"]["median_days"] == 45
    assert (rows["all"]["opportunities"], rows["all"]["open"]) == (8_300, 1_589)
    assert rows["all"]["median_days"] == 69


def test_agents(asked: Questions) -> None:
    values = by(asked.rows("won_value", period="all", group="owner"), "group")
    rates = by(asked.rows("win_rate", period="all", group="owner"), "group")
    assert (values["Darcel Schlecht"]["won"], values["Darcel Schlecht"]["value"]) == (
        349,
        1_153_214,
    )
    assert (values["Vicki Laflamme"]["won"], values["Vicki Laflamme"]["value"]) == (221, 478_396)
    closed = {name: (row["won"], row["won"] + row["lost"]) for name, row in rates.items()}
    assert closed["Darcel Schlecht"] == (349, 553)
    assert closed["Vicki Laflamme"] == (221, 347)
    best = max(rates.values(), key=lambda row: row["rate"])
    worst = min(rates.values(), key=lambda row: row["rate"])
    assert (best["group"], closed[best["group"]]) == ("Hayden Neloms", (107, 152))
    assert round(best["rate"], 6) == 0.703947
    assert (worst["group"], closed[worst["group"]]) == ("Lajuana Vencill", (127, 231))
    assert round(worst["rate"], 6) == 0.549784
    assert asked.sql("SELECT count(DISTINCT owner) FROM opportunities") == [(30,)]
    assert asked.sql("SELECT count(*) FROM members WHERE manager IS NOT NULL") == [(35,)]


def test_offices_and_managers(asked: Questions) -> None:
    offices = by(asked.rows("won_value", period="all", group="office"), "group")
    assert {name: row["value"] for name, row in offices.items()} == {
        "West": 3_568_647,
        "Central": 3_346_293,
        "East": 3_090_594,
    }
    managers = asked.rows("won_value", period="all", group="manager")
    ranked = sorted(managers, key=lambda row: row["value"], reverse=True)
    assert (ranked[0]["group"], ranked[0]["value"]) == ("Melvin Marxen", 2_251_930)
    assert (ranked[-1]["group"], ranked[-1]["value"]) == ("Dustin Brinkmann", 1_094_363)


def test_products(asked: Questions) -> None:
    products = asked.rows("won_value", period="all", group="product")
    ranked = sorted(products, key=lambda row: row["value"], reverse=True)
    assert [(row["group"], row["won"], row["value"]) for row in ranked[:3]] == [
        ("GTX Pro", 729, 3_510_578),
        ("GTX Plus Pro", 479, 2_629_651),
        ("MG Advanced", 654, 2_216_387),
    ]


@pytest.mark.parametrize(
    ("day", "open_engaged"),
    [("2017-03-31", 1_330), ("2017-06-30", 1_686), ("2017-09-30", 2_409), ("2017-12-31", 1_589)],
)
def test_open_engaged_as_of(asked: Questions, day: str, open_engaged: int) -> None:
    (row,) = asked.rows("pipeline_snapshot", end_of(day))
    assert (row["stage"], row["open"]) == ("Engaging", open_engaged)


@pytest.mark.parametrize("day", ["2016-12-31", "2017-02-28", "2017-05-17", "2017-11-11"])
def test_every_stand_is_that_of_the_file(asked: Questions, maven: Imported, day: str) -> None:
    stands = "SELECT status, count(*), coalesce(sum(amount), 0) FROM opportunities GROUP BY ALL"
    theirs = duckdb.execute(
        """
        SELECT CASE WHEN close_date IS NULL OR close_date > $day THEN 'open'
                    WHEN deal_stage = 'Won' THEN 'won' ELSE 'lost' END AS status,
            count(*),
            coalesce(sum(close_value) FILTER (status = 'won'), 0)
        FROM read_csv($file)
        WHERE engage_date <= $day
        GROUP BY status
        """,
        {"file": str(maven.files[3]), "day": date.fromisoformat(day)},
    ).fetchall()
    assert sorted(asked.sql(stands, end_of(day))) == sorted(theirs)


def test_the_funnel_of_a_quarter_adds_up(asked: Questions) -> None:
    rows = by(asked.rows("pipeline_funnel", since="2017-04-01", until="2017-07-01"), "stage")
    engaging = rows["Engaging"]
    assert engaging["reached"] == engaging["opened"]
    assert (
        rows["won"]["reached"] + engaging["lost_here"] + engaging["still_there"]
        == (engaging["opened"])
    )


def test_the_flow_of_the_third_quarter(asked: Questions) -> None:
    rows = by(asked.rows("pipeline_flow", since="2017-07-01", until="2017-10-01"), "stage")
    flow = rows["Engaging"]
    assert (flow["open_at_start"], flow["won"], flow["open_at_end"]) == (1_686, 1_257, 2_409)
    assert flow["open_at_start"] + flow["entered"] - flow["won"] - flow["lost"] == 2_409


def test_velocity(asked: Questions) -> None:
    row = asked.row("velocity", end_of(LAST_DAY), stage="Engaging", from_stage="Engaging")
    assert (row["open"], round(row["win_rate"], 6)) == (1_589, 0.631501)
    assert round(row["mean_won_value"], 6) == 2360.909391
    assert round(row["mean_won_days"], 6) == 51.781973
    assert round(row["velocity"], 4) == 45_750.7628


def test_open_ones_without_an_account(asked: Questions) -> None:
    assert asked.sql(
        "SELECT count(*) FROM opportunities WHERE status = 'open' AND account IS NULL"
    ) == [(1_425,)]

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.kernel import Cut
from domain.opportunities import (
    OpportunityLost,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityStageChanged,
    OpportunityWon,
)
from domain.products import ProductAdded
from projections.analytics.results import Excluded
from tests.projections.logbook import Logbook


def moved(there: str, here: str = "New") -> OpportunityStageChanged:
    return OpportunityStageChanged(from_stage=here, to_stage=there)


def won(amount: str | None = None, currency: str = "USD") -> OpportunityWon:
    if amount is None:
        return OpportunityWon()
    return OpportunityWon(amount=Decimal(amount), currency=currency)


LOST = OpportunityLost(lost_reason="price")


@pytest.fixture
def told(logbook: Logbook) -> Logbook:
    """Four opportunities of the first half of 2024.

    a: New 1 Jan, Proposal 11 Jan, won 31 Jan. b: New 1 Jan, lost 21 Jan, reopened 1 Feb in
    Proposal, won 2 April. c: New 1 Feb, Closing 2 Feb, open. d: New 1 March, lost 11 March.
    """
    logbook.pipeline()
    logbook.opportunity("a", "2024-01-01", amount=Decimal(100), currency="USD")
    logbook.tell("a", moved("Proposal"), at="2024-01-11")
    logbook.tell("a", won("120"), at="2024-01-31")
    logbook.opportunity("b", "2024-01-01", amount=Decimal(50), currency="EUR")
    logbook.tell("b", LOST, at="2024-01-21")
    logbook.tell("b", OpportunityReopened(stage="Proposal"), at="2024-02-01")
    logbook.tell("b", won(), at="2024-04-02")
    logbook.opportunity("c", "2024-02-01", amount=Decimal(10), currency="USD")
    logbook.tell("c", moved("Closing"), at="2024-02-02")
    logbook.opportunity("d", "2024-03-01")
    logbook.tell("d", LOST, at="2024-03-11")
    return logbook


def by(rows: list[dict[str, Any]], *keys: str) -> dict[Any, dict[str, Any]]:
    """Rows by the value of a column, or by the values of several."""
    return {row[keys[0]] if len(keys) == 1 else tuple(row[k] for k in keys): row for row in rows}


def test_the_snapshot_is_of_its_moment(told: Logbook) -> None:
    def open_at(day: str) -> dict[tuple[str, str | None], tuple[int, Any]]:
        rows = by(told.rows("pipeline_snapshot", at=day), "stage", "currency")
        return {key: (row["open"], row["amount"]) for key, row in rows.items()}

    assert open_at("2024-01-01") == {("New", "USD"): (1, 100), ("New", "EUR"): (1, 50)}
    assert open_at("2024-01-30") == {("Proposal", "USD"): (1, 100)}
    assert open_at("2024-02-15") == {("Proposal", "EUR"): (1, 50), ("Closing", "USD"): (1, 10)}
    assert open_at("2024-03-05")["New", None] == (1, None)
    assert open_at("2024-12-31") == {("Closing", "USD"): (1, 10)}


def test_the_snapshot_weighs_by_the_chance_to_win(told: Logbook) -> None:
    (row,) = told.rows("pipeline_snapshot")
    assert (row["pipeline"], row["stage"], row["place"]) == ("Sales", "Closing", 3)
    assert (row["probability"], row["weighted"]) == (0.9, 9)
    assert told.metric("pipeline_snapshot").excluded == (
        Excluded("opportunities that are closed", 3),
    )
    assert told.rows("pipeline_snapshot", pipeline="Other") == []


def test_what_was_entered_afterwards_is_known_only_since(told: Logbook) -> None:
    before = told.store.page(0)[-1].recorded_at
    told.opportunity("late", "2024-01-01", "Proposal")
    knew = told.analyst.metric("pipeline_snapshot", Cut(knew=before)).dicts()
    assert {row["stage"] for row in knew} == {"Closing"}
    assert {row["stage"] for row in told.rows("pipeline_snapshot")} == {"Closing", "Proposal"}


def test_the_funnel_follows_a_cohort(told: Logbook) -> None:
    rows = by(told.rows("pipeline_funnel"), "stage")
    assert list(rows) == ["New", "Proposal", "Closing", "won"]
    told_of = {
        stage: (row["visited"], row["reached"], row["still_there"], row["lost_here"])
        for stage, row in rows.items()
    }
    assert told_of == {
        "New": (4, 4, 0, 1),
        "Proposal": (2, 3, 0, 0),
        "Closing": (1, 3, 1, 0),
        "won": (2, 2, 0, 0),
    }
    assert rows["Proposal"]["share_of_opened"] == 0.75
    assert rows["won"]["share_of_previous"] == 2 / 3
    # Stays in New that have ended: a 10, b 20, c 1, d 10 days.
    assert rows["New"]["median_days"] == 10


def test_the_funnel_of_january_only(told: Logbook) -> None:
    found = told.metric("pipeline_funnel", until="2024-02-01")
    rows = by(found.dicts(), "stage")
    assert (rows["New"]["opened"], rows["won"]["reached"]) == (2, 2)
    assert found.excluded == (Excluded("opportunities opened on other days", 2),)


def test_the_funnel_at_a_past_moment_knows_no_more_than_then(told: Logbook) -> None:
    rows = by(told.rows("pipeline_funnel", at="2024-01-25"), "stage")
    assert (rows["New"]["opened"], rows["New"]["lost_here"]) == (2, 1)
    assert (rows["Proposal"]["reached"], rows["Proposal"]["still_there"]) == (1, 1)
    assert rows["won"]["reached"] == 0


def test_a_window_leaves_out_who_has_not_had_it(told: Logbook) -> None:
    found = told.metric("pipeline_funnel", at="2024-03-15", within_days=30)
    rows = by(found.dicts(), "stage")
    # a and b have had their 30 days, c (1 Feb) too; d has not. b was won after its window.
    assert (rows["New"]["opened"], rows["Proposal"]["reached"]) == (3, 2)
    assert rows["won"]["reached"] == 1
    assert found.excluded == (Excluded("opportunities that are younger than the window", 1),)


def test_the_flow_adds_up(told: Logbook) -> None:
    rows = by(told.rows("pipeline_flow", since="2024-01-15", until="2024-03-01"), "stage")
    names = ("open_at_start", "entered", "moved_on", "won", "lost", "open_at_end")
    assert {stage: tuple(row[n] for n in names) for stage, row in rows.items()} == {
        "New": (1, 1, 1, 0, 1, 0),
        "Proposal": (1, 1, 0, 1, 0, 1),
        "Closing": (0, 1, 0, 0, 0, 1),
    }
    for start, entered, *left, end in (tuple(r[n] for n in names) for r in rows.values()):
        assert start + entered - sum(left) == end


def test_the_win_rate_is_by_close_date_and_last_outcome(told: Logbook) -> None:
    rows = by(told.rows("win_rate"), "period")
    assert _rate(rows[date(2024, 1, 1)]) == (1, 1, 0, 0.5)
    assert _rate(rows[date(2024, 4, 1)]) == (1, 0, 0, 1.0)
    (whole,) = told.rows("win_rate", period="all")
    assert _rate(whole) == (2, 1, 0, 2 / 3)
    # Before it was reopened, b was lost in January.
    (then,) = told.rows("win_rate", at="2024-01-31", period="month")
    assert (then["period"], _rate(then)) == (date(2024, 1, 1), (1, 1, 0, 0.5))


def _rate(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["won"], row["lost"], row["open"], row["rate"])


def test_the_win_rate_by_open_date_shows_what_is_still_open(told: Logbook) -> None:
    rows = by(told.rows("win_rate", by="open", period="month"), "period")
    assert _rate(rows[date(2024, 1, 1)]) == (2, 0, 0, 1.0)
    assert _rate(rows[date(2024, 2, 1)]) == (0, 0, 1, None)
    assert rows[date(2024, 2, 1)]["open_share"] == 1.0
    assert rows[date(2024, 1, 1)]["open_share"] == 0.0


def test_the_close_date_is_told_in_the_zone(logbook: Logbook) -> None:
    logbook.pipeline()
    logbook.opportunity("a", "2024-01-01")
    logbook.tell("a", won(), at="2024-04-01 02:00")
    assert [r["period"] for r in logbook.rows("win_rate")] == [date(2024, 4, 1)]
    assert [r["period"] for r in logbook.rows("win_rate", zone="America/New_York")] == [
        date(2024, 1, 1)
    ]


def test_won_value_never_mixes_currencies(told: Logbook) -> None:
    rows = by(told.rows("won_value", period="all"), "currency")
    assert {c: (r["won"], r["value"], r["mean"]) for c, r in rows.items()} == {
        "USD": (1, 120, 120),
        "EUR": (1, 50, 50),
    }
    quarters = by(told.rows("won_value"), "period")
    assert quarters[date(2024, 1, 1)]["value"] == 120
    assert quarters[date(2024, 4, 1)]["value"] == 50


def test_groups_are_by_the_place_of_the_owner(logbook: Logbook) -> None:
    logbook.pipeline()
    boss = logbook.member("boss")
    ada = logbook.member("ada", office="West", team="One", manager=boss)
    ben = logbook.member("ben", office="East", manager=boss)
    basic = logbook.tell("basic", ProductAdded(name="Basic"), at="2023-01-01")
    for name, owner, amount in (("a", ada, "10"), ("b", ada, "20"), ("c", ben, "5")):
        logbook.opportunity(name, "2024-01-01", owner=owner, product=basic)
        logbook.tell(name, won(amount), at="2024-01-02")
    logbook.opportunity("d", "2024-01-01")
    logbook.tell("d", LOST, at="2024-01-02")

    def value(group: str) -> dict[str | None, Any]:
        rows = logbook.rows("won_value", period="all", group=group)
        return {row["group"]: row["value"] for row in rows}

    assert value("owner") == {"ada": 30, "ben": 5}
    assert value("office") == {"West": 30, "East": 5}
    assert value("team") == {"One": 30, None: 5}
    assert value("manager") == {"boss": 35}
    assert value("product") == {"Basic": 35}
    assert value("pipeline") == {"Sales": 35}
    rates = {r["group"]: r["rate"] for r in logbook.rows("win_rate", period="all", group="owner")}
    assert rates == {"ada": 1.0, "ben": 1.0, None: 0.0}


def test_cycle_time_counts_the_open_ones_as_censored(told: Logbook) -> None:
    # Days: a 30 won, b 92 won, d 10 lost, c open for 100 at the cut.
    rows = by(told.rows("cycle_time", at="2024-05-11"), "outcome")
    assert (rows["won"]["median_days"], rows["won"]["mean_days"]) == (61, 61)
    assert rows["lost"]["median_days"] == 10
    assert rows["closed"]["median_days"] == 30
    # S(10) = 3/4, S(30) = 2/4: the median is 30; c stands behind all of them.
    assert (rows["all"]["opportunities"], rows["all"]["open"]) == (4, 1)
    assert rows["all"]["median_days"] == 30
    # c is censored at 20 days and b, open again, at 51: at risk at 30 are two, so S(30) = 1/2.
    early = by(told.rows("cycle_time", at="2024-02-21"), "outcome")
    assert (early["all"]["open"], early["all"]["median_days"]) == (2, 30)
    # Four days after b was lost, at 20 days, only a is open beside it: S(20) = 1/2.
    assert by(told.rows("cycle_time", at="2024-01-25"), "outcome")["all"]["median_days"] == 20
    assert by(told.rows("cycle_time", at="2024-01-15"), "outcome")["all"]["median_days"] is None


def test_a_censored_life_leaves_the_risk_set_after_its_day(logbook: Logbook) -> None:
    """Lives 5 closed, 5 open, 8 closed: at risk 3 at day 5, then 1, so S(5) = 2/3, S(8) = 0."""
    logbook.pipeline()
    logbook.opportunity("a", "2024-01-06")
    logbook.tell("a", won(), at="2024-01-11")
    logbook.opportunity("b", "2024-01-06")
    logbook.opportunity("c", "2024-01-02")
    logbook.tell("c", LOST, at="2024-01-10")
    rows = by(logbook.rows("cycle_time", at="2024-01-11"), "outcome")
    assert rows["all"]["median_days"] == 8


def test_cycle_time_from_a_stage(told: Logbook) -> None:
    found = told.metric("cycle_time", at="2024-05-11", from_stage="Proposal")
    rows = by(found.dicts(), "outcome")
    assert (rows["won"]["opportunities"], rows["won"]["mean_days"]) == (2, (20 + 61) / 2)
    assert found.excluded == (Excluded("opportunities that were never in the stage", 2),)


def test_what_ended_before_it_began_is_left_out(logbook: Logbook) -> None:
    logbook.pipeline()
    logbook.opportunity("a", "2024-02-01")
    logbook.tell("a", won(), at="2024-01-01")
    found = logbook.metric("cycle_time")
    assert found.rows == []
    assert found.excluded == (Excluded("opportunities that ended before they began", 1),)


def test_velocity_states_its_inputs(logbook: Logbook) -> None:
    logbook.pipeline()
    for name, days, amount in (("a", 10, "100"), ("b", 30, "300")):
        logbook.opportunity(name, "2024-01-01", amount=Decimal(1), currency="USD")
        logbook.tell(name, won(amount), at=f"2024-01-{days + 1:02}")
    for name in "cd":
        logbook.opportunity(name, "2024-01-01")
        logbook.tell(name, LOST, at="2024-01-15")
    logbook.opportunity("e", "2024-01-01")
    logbook.opportunity("f", "2024-01-01", "Proposal")
    row = logbook.row("velocity")
    assert (row["open"], row["win_rate"], row["mean_won_value"]) == (2, 0.5, 200)
    assert (row["mean_won_days"], row["velocity"]) == (20, 10)
    assert logbook.row("velocity", stage="New")["velocity"] == 5


def test_velocity_keeps_currencies_apart(logbook: Logbook) -> None:
    logbook.pipeline()
    for name, currency in (("a", "USD"), ("b", "EUR")):
        logbook.opportunity(name, "2024-01-01")
        logbook.tell(name, won("100", currency), at="2024-01-11")
    logbook.opportunity("c", "2024-01-01", amount=Decimal(5), currency="USD")
    logbook.opportunity("d", "2024-01-01")
    rows = by(logbook.rows("velocity"), "currency")
    assert (rows["USD"]["open"], rows["EUR"]["open"]) == (1, 0)
    assert rows["USD"]["velocity"] == 10


def test_a_revalued_opportunity_is_worth_what_it_was_then(logbook: Logbook) -> None:
    logbook.pipeline()
    logbook.opportunity("a", "2024-01-01", amount=Decimal(10), currency="USD")
    logbook.tell("a", OpportunityRevalued(amount=Decimal(30), currency="EUR"), at="2024-02-01")
    (then,) = logbook.rows("pipeline_snapshot", at="2024-01-15")
    (now,) = logbook.rows("pipeline_snapshot")
    assert (then["amount"], then["currency"], now["amount"], now["currency"]) == (
        *(10, "USD"),
        *(30, "EUR"),
    )

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.orders import OrderPlaced, OrderReturned, ReturnedLine
from domain.pipelines import PipelineDefined
from projections.analytics.results import Excluded
from tests.projections.logbook import STAGES, Logbook, cut, named


def returned(quantity: int, amount: str) -> OrderReturned:
    line = ReturnedLine(line=1, quantity=Decimal(quantity), amount=Decimal(amount))
    return OrderReturned(lines=(line,))


def test_orders_are_summed_in_each_currency_and_never_across(logbook: Logbook) -> None:
    ada, ben = logbook.contact("ada"), logbook.contact("ben")
    logbook.order("1", ada, "2024-01-01 08:00", "10", quantity=2)
    logbook.order("2", ada, "2024-01-01 20:00", "0")
    logbook.order("3", ben, "2024-01-02", "7.50")
    logbook.order("4", ben, "2024-01-03", "100", currency="EUR")
    logbook.tell("1", returned(1, "4"), at="2024-01-05")

    eur, usd, both = logbook.rows("orders_summary")
    assert eur["gross"] == 100
    assert (usd["orders"], usd["customers"], usd["customer_days"]) == (3, 2, 2)
    assert (usd["gross"], usd["returned"], usd["net"]) == (
        Decimal("17.5"),
        Decimal(4),
        Decimal("13.5"),
    )
    assert (usd["units"], usd["returned_units"], usd["free_orders"]) == (4, 1, 1)
    assert (usd["first_day"], usd["last_day"]) == (date(2024, 1, 1), date(2024, 1, 2))
    assert (both["currency"], both["orders"], both["customers"]) == (None, 4, 2)
    assert both["gross"] is both["net"] is both["returned"] is None

    before_the_return = logbook.rows("orders_summary", at="2024-01-04", currency="USD")
    assert before_the_return[0]["net"] == Decimal("17.5")


def test_days_are_told_in_the_zone(logbook: Logbook) -> None:
    ada = logbook.contact("ada")
    logbook.order("1", ada, "2024-01-01 22:00")
    logbook.order("2", ada, "2024-01-02 02:00")
    assert logbook.row("orders_summary")["customer_days"] == 2
    assert logbook.row("orders_summary", zone="Europe/Berlin")["customer_days"] == 2
    assert logbook.row("orders_summary", zone="America/New_York")["customer_days"] == 1
    assert logbook.row("repeat_rate")["repeat_by_days"] == 1
    assert logbook.row("repeat_rate", zone="America/New_York")["repeat_by_days"] == 0


def test_what_lies_outside_the_days_is_counted_as_excluded(logbook: Logbook) -> None:
    ada = logbook.contact("ada")
    for n, day in enumerate(("2024-01-01", "2024-01-02", "2024-01-03")):
        logbook.order(str(n), ada, day)
    found = logbook.metric("orders_summary", since="2024-01-02", until="2024-01-03")
    assert [row["orders"] for row in found.dicts()] == [1]
    assert found.excluded == (
        Excluded("orders after the days", 1),
        Excluded("orders before the days", 1),
    )
    assert found.excluded_rows == 2
    assert found.settings["since"] == date(2024, 1, 2)


def test_repeat_customers_are_counted_both_ways(logbook: Logbook) -> None:
    once, twice_a_day, twice = (logbook.contact(n) for n in ("once", "same day", "twice"))
    logbook.order("1", once, "2024-01-01")
    logbook.order("2", twice_a_day, "2024-01-01 10:00")
    logbook.order("3", twice_a_day, "2024-01-01 11:00")
    logbook.order("4", twice, "2024-01-01")
    logbook.order("5", twice, "2024-02-01")
    logbook.order("6", None, "2024-02-01")

    found = logbook.metric("repeat_rate")
    (row,) = found.dicts()
    assert (row["customers"], row["orders"], row["occasions"]) == (3, 5, 4)
    assert (row["repeat_by_days"], row["repeat_by_orders"], row["repeat_occasions"]) == (1, 2, 1)
    assert (row["rate_by_days"], row["rate_by_orders"]) == (1 / 3, 2 / 3)
    assert found.excluded == (Excluded("orders of nobody", 1),)
    assert logbook.row("repeat_rate", until="2024-02-01")["repeat_by_days"] == 0


def test_an_order_that_came_back_whole_is_no_purchase(logbook: Logbook) -> None:
    ada = logbook.contact("ada")
    logbook.order("1", ada, "2024-01-01")
    logbook.order("2", ada, "2024-01-10")
    logbook.tell("2", returned(1, "10"), at="2024-01-20")
    assert logbook.row("repeat_rate")["repeat_by_days"] == 0
    assert logbook.row("repeat_rate", returned="count")["repeat_by_days"] == 1
    assert logbook.row("repeat_rate", at="2024-01-15")["repeat_by_days"] == 1
    assert logbook.metric("repeat_rate").excluded == (Excluded("orders that came back whole", 1),)


def test_an_account_buys_where_one_is_named(logbook: Logbook) -> None:
    acme, ada = logbook.account("acme"), logbook.contact("ada")
    for name, contact in (("1", ada), ("2", None)):
        fact = OrderPlaced(currency="USD", lines=(), account=acme, contact=contact)
        logbook.tell(name, fact, at="2024-01-01")
    assert logbook.row("repeat_rate")["customers"] == 1
    (row,) = logbook.rows("rfm", day="2024-01-01")
    assert (row["customer"], row["name"]) == (acme, "acme")


def test_rfm_as_of_a_day(logbook: Logbook) -> None:
    ada, ben = logbook.contact("ada"), logbook.contact("ben")
    logbook.order("1", ada, "2024-01-01 08:00", "10")
    logbook.order("2", ada, "2024-01-01 20:00", "20")
    logbook.order("3", ada, "2024-01-11", "30")
    logbook.order("4", ben, "2024-01-06", "5")
    logbook.order("5", ben, "2024-03-01", "500")
    logbook.order("6", ben, "2024-01-07", "9", currency="EUR")

    rows = {(r["customer"], r["currency"]): r for r in logbook.rows("rfm", day="2024-01-21")}
    assert _rfm(rows[ada, "USD"]) == (10, 2, 60)
    assert _rfm(rows[ben, "USD"]) == (15, 1, 5)
    assert _rfm(rows[ben, "EUR"]) == (14, 1, 9)
    by_orders = {
        (r["customer"], r["currency"]): r
        for r in logbook.rows("rfm", day="2024-01-21", frequency="orders", monetary="mean")
    }
    assert _rfm(by_orders[ada, "USD"]) == (10, 3, 20)

    eur, usd = logbook.rows("rfm_summary", day="2024-01-21")
    assert (eur["customers"], eur["monetary_max"]) == (1, 9)
    assert (usd["customers"], usd["recency_median"], usd["recency_mean"]) == (2, 12.5, 12.5)
    assert (usd["frequency_mean"], usd["frequency_max"]) == (1.5, 2)
    assert (usd["monetary_median"], usd["monetary_mean"], usd["monetary_max"]) == (32.5, 32.5, 60)
    assert logbook.metric("rfm", day="2024-01-21").excluded == (
        Excluded("orders after the day", 1),
    )


def _rfm(row: dict[str, object]) -> tuple[object, ...]:
    return (row["recency"], row["frequency"], row["monetary"])


def test_rfm_fifths_break_ties_by_id(logbook: Logbook) -> None:
    customers = sorted(logbook.contact(f"c{n}") for n in range(5))
    for n, customer in enumerate(customers):
        logbook.order(f"o{n}", customer, "2024-01-01", "10")
    rows = {row["customer"]: row for row in logbook.rows("rfm", day="2024-02-01")}
    assert [rows[c]["m"] for c in customers] == [1, 2, 3, 4, 5]
    assert [rows[c]["r"] for c in customers] == [1, 2, 3, 4, 5]


def test_rfm_is_net_of_returns(logbook: Logbook) -> None:
    ada = logbook.contact("ada")
    logbook.order("1", ada, "2024-01-01", "30", quantity=3)
    logbook.order("2", ada, "2024-01-09", "30")
    logbook.tell("1", returned(1, "10"), at="2024-01-05")
    logbook.tell("2", returned(1, "30"), at="2024-01-10")
    (row,) = logbook.rows("rfm", day="2024-01-21")
    assert _rfm(row) == (20, 1, 20)


def cells(logbook: Logbook, at: str | None = None, **settings: object) -> dict[object, object]:
    """``(cohort's month or day, period)`` to ``(retained, share)``."""
    found = logbook.rows("retention", at, **settings)
    return {
        (row["cohort"] and str(row["cohort"]), row["period"]): (row["retained"], row["share"])
        for row in found
    }


def test_retention_by_calendar_month(logbook: Logbook) -> None:
    ada, ben, cyd = (logbook.contact(n) for n in ("ada", "ben", "cyd"))
    logbook.order("1", ada, "2024-01-31")
    logbook.order("2", ada, "2024-02-01")
    logbook.order("3", ben, "2024-01-02")
    logbook.order("4", ben, "2024-03-30")
    logbook.order("5", cyd, "2024-02-15")
    found = cells(logbook, until="2024-03-31", periods=3)
    assert found == {
        ("2024-01-01", 0): (2, 1.0),
        ("2024-01-01", 1): (1, 0.5),
        ("2024-01-01", 2): (1, None),  # March has a day to go
        ("2024-02-01", 0): (1, 1.0),
        ("2024-02-01", 1): (0, None),
        (None, 0): (3, 1.0),
        (None, 1): (1, 0.5),  # only January's cohort has had its first month
    }
    assert cells(logbook, until="2024-04-01")["2024-01-01", 2] == (1, 0.5)


def test_a_month_that_is_over_at_the_cut_is_complete(logbook: Logbook) -> None:
    logbook.order("1", logbook.contact("ada"), "2024-01-31")
    end = "2024-02-29 23:59:59.999999"
    assert cells(logbook, end)["2024-01-01", 1] == (0, 0.0)
    assert cells(logbook, "2024-02-29 23:59:59")["2024-01-01", 1] == (0, None)


def test_rolling_periods_begin_with_each_customer(logbook: Logbook) -> None:
    ada, ben = logbook.contact("ada"), logbook.contact("ben")
    logbook.order("1", ada, "2024-01-31 12:00")
    logbook.order("2", ada, "2024-03-01 11:00")  # 29 days and 23 hours later
    logbook.order("3", ben, "2024-01-01 12:00")
    logbook.order("4", ben, "2024-01-31 12:00")  # 30 days later to the second
    found = cells(logbook, window="rolling", until="2024-04-15", periods=2)
    assert found["2024-01-01", 0] == (2, 1.0)
    assert found["2024-01-01", 1] == (1, 0.5)
    assert found["2024-01-01", 2] == (0, None)  # ada's third period ends on April 30
    calendar = cells(logbook, until="2024-04-15", periods=2)
    assert calendar["2024-01-01", 1] == (0, 0.0)
    assert calendar["2024-01-01", 2] == (1, 0.5)


def test_on_or_after_counts_whoever_comes_back_later(logbook: Logbook) -> None:
    ada, ben = logbook.contact("ada"), logbook.contact("ben")
    logbook.order("1", ada, "2024-01-05")
    logbook.order("2", ada, "2024-06-05")
    logbook.order("3", ben, "2024-01-06")
    found = cells(logbook, until="2024-08-01", counting="on_or_after", periods=3)
    assert [found["2024-01-01", n] for n in range(4)] == [(2, 1.0), (1, 0.5), (1, 0.5), (1, 0.5)]
    on = cells(logbook, until="2024-08-01", periods=3)
    assert [on["2024-01-01", n][0] for n in range(4)] == [2, 0, 0, 0]  # type: ignore[index]


def test_means_weigh_or_do_not(logbook: Logbook) -> None:
    people = [logbook.contact(f"p{n}") for n in range(4)]
    for n, person in enumerate(people[:3]):
        logbook.order(f"a{n}", person, "2024-01-05")
    logbook.order("b", people[3], "2024-02-05")
    logbook.order("c", people[3], "2024-03-05")
    assert cells(logbook, until="2024-04-01")[None, 1] == (1, 0.25)
    assert cells(logbook, until="2024-04-01", mean="simple")[None, 1] == (1, 0.5)


def test_a_cohort_is_that_of_the_first_event_ever(logbook: Logbook) -> None:
    ada, ben = logbook.contact("ada"), logbook.contact("ben")
    logbook.order("1", ada, "2023-12-05")
    logbook.order("2", ada, "2024-01-05")
    logbook.order("3", ben, "2024-01-06")
    found = cells(logbook, until="2024-03-01", since="2024-01-01")
    assert found["2024-01-01", 0] == (1, 1.0)
    assert ("2023-12-01", 0) not in found


def test_a_cohort_moves_when_an_earlier_order_is_entered_afterwards(logbook: Logbook) -> None:
    ada = logbook.contact("ada")
    logbook.order("1", ada, "2024-03-05")
    logbook.order("2", ada, "2024-01-05")
    found = cells(logbook, until="2024-04-01")
    assert found["2024-01-01", 2] == (1, 1.0)


def test_start_and_return_may_be_of_different_kinds(logbook: Logbook) -> None:
    ada, ben = logbook.contact("ada", at="2024-01-01"), logbook.contact("ben", at="2024-01-01")
    logbook.order("1", ben, "2024-02-01")
    found = cells(logbook, until="2024-03-01", start="contact.added", returning="order")
    assert found["2024-01-01", 0] == (0, 0.0)
    assert found["2024-01-01", 1] == (1, 0.5)
    assert ada != ben


def test_the_zone_decides_where_a_week_begins(logbook: Logbook) -> None:
    ada = logbook.contact("ada")
    logbook.order("1", ada, "2024-01-08 03:00")  # a Monday; in New York still Sunday
    assert ("2024-01-08", 0) in cells(logbook, period="week", until="2024-02-01")
    new_york = cells(logbook, period="week", until="2024-02-01", zone="America/New_York")
    assert ("2024-01-01", 0) in new_york


def test_an_order_of_an_account_and_its_contact_is_one_actor(logbook: Logbook) -> None:
    acme, ada = logbook.account("acme"), logbook.contact("ada")
    fact = OrderPlaced(currency="USD", lines=(), account=acme, contact=ada)
    logbook.tell("1", fact, at="2024-01-05")
    for who in ("customer", "account", "contact"):
        assert cells(logbook, until="2024-03-01", customer=who)["2024-01-01", 0] == (1, 1.0)
    logbook.order("2", None, "2024-01-05")
    assert logbook.metric("retention", until="2024-03-01").excluded == (
        Excluded("events that concern no such customer", 1),
    )


@pytest.mark.parametrize(
    "name", ["orders_summary", "rfm", "rfm_summary", "retention", "pipeline_snapshot", "win_rate"]
)
def test_an_empty_log_has_no_rows(logbook: Logbook, name: str) -> None:
    found = logbook.metric(name)
    assert (found.rows, found.position, found.excluded) == ([], 0, ())


def test_a_result_explains_itself(logbook: Logbook) -> None:
    logbook.tell(named("p"), PipelineDefined(name="P", stages=STAGES), at="2024-01-01")
    found = logbook.metric("repeat_rate", at="2024-01-01")
    assert (found.position, found.cut, found.name) == (1, cut("2024-01-01"), "repeat_rate")
    assert found.title == "Repeat rate"
    assert found.definition is not None
    assert found.definition.startswith("The share of customers")
    assert "FROM orders" in found.sql
    assert found.settings == {"zone": "UTC", "until": None, "returned": "leave out"}
    assert found.columns[0].unit == "customers"
    assert not found.truncated

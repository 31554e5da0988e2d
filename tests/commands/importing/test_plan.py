"""A map and the files that are given: which is which, and whether they fit."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest

from commands.importing import BadFile, BadMap, load
from commands.importing.ids import record_id
from tests.commands.importing.kit import ORDERS, ORDERS_HEADER, Kit

ROW = "1,ada,2020-01-01,5\n"


def test_an_id_is_the_same_for_ever() -> None:
    assert record_id("shop", "contact", "ada") == UUID("a402d04a-7e6c-52e6-892a-e5ed66ff9be6")


def test_a_plan_counts_the_rows(kit: Kit) -> None:
    files: dict[str, str | bytes] = {
        "orders1.csv": ORDERS_HEADER + ROW * 2,
        "orders2.csv": ORDERS_HEADER + ROW,
    }
    assert kit.plan(ORDERS, files).rows == 3


def test_the_same_map_and_content_are_the_same_import(kit: Kit) -> None:
    first = kit.plan(ORDERS, {"orders.csv": ORDERS_HEADER + ROW}).id
    commented = "# a comment\n" + ORDERS.replace("source: shop", "source:    shop")
    assert kit.plan(commented, {"orders.csv": ORDERS_HEADER + ROW}).id == first
    assert kit.plan(ORDERS, {"orders.csv": ORDERS_HEADER + ROW * 2}).id != first
    other = ORDERS.replace("currency: {value: USD}", "currency: {value: EUR}")
    assert kit.plan(other, {"orders.csv": ORDERS_HEADER + ROW}).id != first


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("other.csv", ROW, "other.csv: no pattern of the map matches it. There are: “orders*.csv”"),
        ("orders.csv", "", "orders.csv: the file is empty."),
        ("orders.csv", ORDERS_HEADER, "orders.csv: the file has a header and no rows."),
        (
            "orders.csv",
            "number,Customer,date,value\n" + ROW,
            "orders.csv, line 1, column “customer”: the file has no such column, which line 5 of "
            "the map uses; did you mean “Customer”?",
        ),
        (
            "orders.csv",
            "number,customer,date,value\n" + ROW,
            "column “amount”: the file has no such column, which line 7 of the map uses. "
            "It has: number, customer, date, value",
        ),
        (
            "orders.csv",
            (ORDERS_HEADER + ROW).replace(",", ";"),
            "orders.csv, line 1: with the separator “,” there is one column; the line looks as if "
            "it were separated by “;” (3 of them)",
        ),
        (
            "orders.csv",
            "number,customer,date,date,amount\n1,ada,2020-01-01,2020-01-01,5\n",
            "orders.csv, line 1, column “date”: 2 columns have this name",
        ),
    ],
)
def test_a_file_that_does_not_fit(kit: Kit, name: str, content: str, message: str) -> None:
    with pytest.raises(BadFile) as bad:
        kit.plan(ORDERS, {name: content})
    assert message in str(bad.value)


def test_a_pattern_without_a_file(kit: Kit) -> None:
    text = ORDERS + "\n      - {match: more.csv, do: [{command: add-contact, fields: {}}]}"
    with pytest.raises(BadMap, match=r"line 23: no file was given that matches “more\.csv”"):
        kit.plan(text, {"orders.csv": ORDERS_HEADER + ROW})


def test_a_file_that_is_not_there_or_there_twice(kit: Kit) -> None:
    (path,) = kit.write(ORDERS, {"orders.csv": ORDERS_HEADER + ROW})
    with pytest.raises(BadFile, match="given twice"):
        load(kit.map, [path, Path(f"{path.parent}/./orders.csv")])
    with pytest.raises(BadFile, match="no such file"):
        load(kit.map, [path, path.parent / "orders2.csv"])


def test_a_column_with_a_default_may_be_missing(kit: Kit) -> None:
    text = ORDERS.replace("amount: decimal", 'amount: {type: decimal, default: "1"}')
    plan = kit.plan(text, {"orders.csv": "number,customer,date\n1,ada,2020-01-01\n"})
    assert plan.rows == 1


def test_columns_may_stand_in_any_order_and_under_other_headers(kit: Kit) -> None:
    text = ORDERS.replace(
        "date: date", "date: {type: date, header: [Day, Year], formats: '%d.%m. %Y'}"
    )
    content = "amount,Year,customer,Day,number\n5,2020,ada,31.12.,1\n"
    (verdict,) = kit.verdicts(text, {"orders.csv": content})
    assert verdict.kind == "new"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("{name: Sales, stages: [{nam: x}]}", "line 3: unknown key “nam”"),
        ("{name: Sales, stages: []}", "line 3: “stages”: list should have at least 1 item"),
        ("{name: Sales}", "line 3: “define-pipeline” needs the field “stages”"),
        ("{title: Sales}", "line 3: “define-pipeline” has no field “title”"),
    ],
)
def test_a_setup_that_cannot_be(kit: Kit, fields: str, message: str) -> None:
    setup = f"setup:\n  - command: define-pipeline\n    fields: {fields}\n"
    with pytest.raises(BadMap) as bad:
        kit.plan(setup + dedent(ORDERS), {"orders.csv": ORDERS_HEADER + ROW})
    assert message in str(bad.value)

"""Which rows a step is for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from commands.importing.conditions import Condition, compile_condition
from commands.importing.language import Column
from commands.importing.values import typed_reader

COLUMNS = {
    "stage": Column.model_validate({}),
    "amount": Column.model_validate({"type": "decimal"}),
    "open": Column.model_validate({"type": "boolean"}),
    "closed": Column.model_validate({"type": "date"}),
}
PLACES = {name: place for place, name in enumerate(COLUMNS)}


def _holds(condition: dict[str, Any], **cells: str) -> bool:
    read = {name: typed_reader(column, "UTC") for name, column in COLUMNS.items()}
    values = [read[name](cells[name]) if name in cells else None for name in COLUMNS]
    TypeAdapter(Condition).validate_python(condition)
    test = compile_condition(condition, lambda name: (PLACES[name], read[name]))
    return test(values)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"stage": "Won"}, True),
        ({"stage": "Lost"}, False),
        ({"stage": ["Lost", "Won"]}, True),
        ({"amount": 5}, True),
        ({"amount": "5.00"}, True),
        ({"amount": 6}, False),
        ({"open": True}, True),
        ({"open": "yes"}, True),
        ({"open": False}, False),
        ({"closed": {"empty": True}}, True),
        ({"closed": {"empty": False}}, False),
        ({"closed": "2016-01-01"}, False),
        ({"stage": "Won", "amount": 5}, True),
        ({"stage": "Won", "amount": 6}, False),
        ({"not": {"stage": "Lost"}}, True),
        ({"any": [{"stage": "Lost"}, {"amount": 5}]}, True),
        ({"any": [{"stage": "Lost"}, {"amount": 6}]}, False),
        ({"all": [{"stage": "Won"}, {"not": {"open": False}}]}, True),
        ({"all": [{"stage": "Won"}, {"closed": {"empty": False}}]}, False),
    ],
)
def test_a_condition(condition: dict[str, Any], holds: bool) -> None:
    assert _holds(condition, stage="Won", amount="5.0", open="1") is holds


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({}, "names at least one column"),
        ({"any": {"stage": "Won"}}, "“any” takes a list of conditions"),
        ({"all": []}, "“all” takes a list of conditions"),
        ({"not": "Won"}, "“not” takes conditions"),
        ({"stage": {"like": "W%"}}, "takes a value, a list, or {empty"),
        ({"stage": {"empty": "yes"}}, "takes a value, a list, or {empty"),
        ({"stage": None}, "use {empty: true}"),
        ({"any": [{"stage": [["Won"]]}]}, "“stage” is compared with values"),
    ],
)
def test_what_is_no_condition(condition: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(Condition).validate_python(condition)


def test_a_value_that_the_column_cannot_have() -> None:
    with pytest.raises(ValueError, match="“many” is no number"):
        _holds({"amount": "many"})

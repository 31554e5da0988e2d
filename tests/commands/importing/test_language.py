"""What a map may say, and what is said of one that says something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.importing import BadMap, json_schema, load
from tests.commands.importing.kit import ORDERS, ORDERS_HEADER, Kit

DOCS = Path(__file__).parents[3] / "docs"

ROW = {"orders.csv": ORDERS_HEADER + "1,ada,2020-01-01,5\n"}


def _refused(kit: Kit, text: str) -> BadMap:
    with pytest.raises(BadMap) as bad:
        kit.plan(text, dict(ROW))
    return bad.value


@pytest.mark.parametrize(
    ("wrong", "right", "line", "message"),
    [
        ("matching:", "match:", 3, "unknown key “matching”; did you mean “match”?"),
        ("if_exits: skip", "if_exists: skip", 10, "unknown key “if_exits”; did you mean"),
        ("date: dat", "date: date", 6, "“type”: input should be 'text', 'integer'"),
        ("add-contct", "add-contact", 9, "there is no command “add-contct”; did you mean"),
        ("lastname:", "last_name:", 14, "“add-contact” has no field “lastname”; did you mean"),
        ("currency: {valu: USD}", "currency: {value: USD}", 20, "a value is a column’s name"),
        (
            "{ref: contct, key: customer}",
            "{ref: contact, key: customer}",
            19,
            "no records “contct”",
        ),
        ("at: {time: '8:00'}", "at: date", 11, "“8:00” is no time of day"),
        ("at: {time: '08:00'}", "at: date", 11, "“at” names a column or a date"),
        ("at: {date: 2016-02-30}", "at: date", 11, "“date”: input should be a valid date"),
        ("at: amount", "at: date", 11, "“amount” has to be of type date or datetime"),
        ("if_exists: maybe", "if_exists: skip", 10, "“if_exists”: input should be 'duplicate'"),
        ("match: []", "match: orders*.csv", 3, "“match”"),
    ],
)
def test_a_mistake_names_its_line(
    kit: Kit, wrong: str, right: str, line: int, message: str
) -> None:
    assert right in ORDERS
    bad = _refused(kit, ORDERS.replace(right, wrong, 1))
    assert message in str(bad)
    assert bad.line == line
    assert str(bad).startswith(f"map.yaml, line {line}: ")
    assert str(bad).endswith("Nothing was imported.")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("encoding: utf-9", "“utf-9” is no encoding of text"),
        ("encoding: zlib", "“zlib” is no encoding of text"),
        ("zone: Mars/Olympus", "“Mars/Olympus” is no time zone"),
        ("separator: ';;'", "a separator is one character"),
        ("header: false", "needs the names of its columns"),
        ("names: [a, b]", "and only such a file"),
        ("columns2: {}", "unknown key"),
    ],
)
def test_a_table_that_cannot_be(kit: Kit, extra: str, message: str) -> None:
    text = ORDERS.replace("match: orders*.csv", f"match: orders*.csv\n        {extra}")
    assert message in str(_refused(kit, text))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("{last_name: customer, contact: {id: {ref: contact, key: customer}}}", "a key is made of"),
        ("{contact: {id: customer}, lines: customer}", "no field “lines”"),
        ("{last_name: {text: no columns}}", "names columns in braces"),
        ("{last_name: {id: customer}}", "is not the id of a record to be created"),
        ("{contact: {id: customer}, account: {id: customer}}", "a command creates one record"),
        ("{occurred_at: date}", "“at” says when"),
        ("{last_name: [{id: customer}]}", "belongs to a field of the command itself"),
    ],
)
def test_fields_that_cannot_be(kit: Kit, fields: str, message: str) -> None:
    text = f"""
        source: shop
        files:
          - match: orders.csv
            columns: {{date: date}}
            do: [{{command: add-contact, fields: {fields}}}]
    """
    assert message in str(_refused(kit, text))


def test_a_field_that_has_to_be_there(kit: Kit) -> None:
    text = ORDERS.replace("currency: {value: USD}", "")
    assert "“place-order” needs the field “currency”" in str(_refused(kit, text))


def test_change_needs_a_command_to_do_it_with(kit: Kit) -> None:
    text = ORDERS.replace("order: {id: number}", "order: {id: number}").replace(
        "- command: place-order", "- command: place-order\n            if_exists: change"
    )
    assert "there is no command “change-order”" in str(_refused(kit, text))


def test_if_exists_is_for_commands_that_create(kit: Kit) -> None:
    text = ORDERS.replace("contact: {id: customer}\n", "")
    assert "if_exists is for a command that has an {id: …}" in str(_refused(kit, text))


def test_a_missing_map_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadMap, match="cannot be read"):
        load(tmp_path / "none.yaml", [])


def test_the_schema_for_editors_is_the_language() -> None:
    stored = json.loads((DOCS / "importing.schema.json").read_text(encoding="utf-8"))
    assert stored == json_schema(), "run: python -m commands.importing > docs/importing.schema.json"

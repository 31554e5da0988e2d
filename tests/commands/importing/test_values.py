"""From the text in a cell to a value, and what is said of a text that is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.importing.language import Column
from commands.importing.values import cell_reader

BERLIN = "Europe/Berlin"


def _read(text: str, file_zone: str = "UTC", /, **column: Any) -> Any:
    return cell_reader(Column.model_validate(column), file_zone)(text)


def _refused(text: str, **column: Any) -> str:
    with pytest.raises(ValueError) as bad:  # noqa: PT011  # the message is what is tested
        _read(text, **column)
    return str(bad.value)


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        ("  Ada ", {}, "Ada"),
        ("  Ada ", {"trim": False}, "  Ada "),
        ("", {}, None),
        ("   ", {}, None),
        ("N/A", {"empty": ["N/A", "-"]}, None),
        ("", {"default": "none said"}, "none said"),
        ("-", {"empty": "-", "default": "5", "type": "integer"}, 5),
        ("GTXPro", {"values": {"GTXPro": "GTX Pro"}}, "GTX Pro"),
        ("GTX", {"values": {"GTXPro": "GTX Pro"}}, "GTX"),
        ("x", {"values": {"x": ""}}, None),
        ("", {"values": {"": "unknown"}}, "unknown"),
        ("7; 12;3", {"split": ";", "part": 2, "type": "integer"}, 12),
        ("7", {"split": ";", "part": 2}, None),
        ("Accepted+Wait", {"split": "+"}, "Accepted"),
        ("$5.50", {"type": "decimal", "strip": "$"}, Decimal("5.50")),
        ("'=1+1", {"strip": "'"}, "=1+1"),
        ("42", {"type": "integer"}, 42),
        ("-42", {"type": "integer"}, -42),
        ("1,234,567", {"type": "integer", "group": ","}, 1234567),
        ("12.30", {"type": "decimal"}, Decimal("12.30")),
        (".5", {"type": "decimal"}, Decimal("0.5")),
        ("+3", {"type": "decimal"}, Decimal(3)),
        ("1.234,56", {"type": "decimal", "decimal": ",", "group": "."}, Decimal("1234.56")),
        ("1234,56", {"type": "decimal", "decimal": ",", "group": "."}, Decimal("1234.56")),
        ("1\u00a0234\u202f567", {"type": "integer", "group": " "}, 1234567),
        ("Yes", {"type": "boolean"}, True),
        ("0", {"type": "boolean"}, False),
        ("ja", {"type": "boolean", "true": "ja", "false": "nein"}, True),
        ("2016-02-29", {"type": "date"}, date(2016, 2, 29)),
        ("29.02.2016", {"type": "date", "formats": ["%Y-%m-%d", "%d.%m.%Y"]}, date(2016, 2, 29)),
        ("19970101", {"type": "date", "formats": "%Y%m%d"}, date(1997, 1, 1)),
    ],
)  # fmt: skip
def test_a_text_is_read(text: str, column: dict[str, Any], value: Any) -> None:
    assert _read(text, **column) == value


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", {"required": True}, "is empty"),
        ("c", {"values": {"a": "b"}, "only": True}, "“c” is none of: a"),
        ("12.3.4", {"type": "decimal"}, "“12.3.4” is no number: it has 2 decimal marks “.”"),
        ("1,234.50", {"type": "decimal"}, "“1,234.50” is no number with the decimal mark “.”"),
        ("1.234,5", {"type": "decimal", "group": ","}, "is no number with the decimal mark “.”"),
        ("12,34.5", {"type": "decimal", "group": ","}, "is no number"),
        ("1e5", {"type": "decimal"}, "is no number"),
        ("NaN", {"type": "decimal"}, "is no number"),
        ("٣", {"type": "integer"}, "“٣” is no whole number"),
        ("5.0", {"type": "integer"}, "“5.0” is no whole number"),
        ("maybe", {"type": "boolean"}, "“maybe” is neither yes (true) nor no (false)"),
        ("2016-02-30", {"type": "date"}, "“2016-02-30” is no date there is; expected is iso"),
        ("02/30/2016", {"type": "date", "formats": "%m/%d/%Y"}, "expected is %m/%d/%Y"),
        ("0001-01-01T00:00:00+10:00", {"type": "datetime"}, "is no date and time there is"),
        ("x" * 100, {"type": "date"}, f"“{'x' * 60}…” is no date"),
    ],
)
def test_a_text_that_is_none_is_refused(text: str, column: dict[str, Any], message: str) -> None:
    assert message in _refused(text, **column)


def test_a_time_without_a_zone_is_in_that_of_the_column_or_the_file() -> None:
    text = "2016-07-01 12:00:00"
    assert _read(text, BERLIN, type="datetime") == datetime(2016, 7, 1, 10, tzinfo=UTC)
    assert _read(text, BERLIN, type="datetime", zone="UTC") == datetime(2016, 7, 1, 12, tzinfo=UTC)


def test_a_time_that_says_its_zone_keeps_it() -> None:
    expected = datetime(2016, 7, 1, 10, tzinfo=UTC)
    assert _read("2016-07-01T12:00:00+02:00", type="datetime") == expected
    form = "%d/%m/%Y %H:%M %z"
    assert _read("01/07/2016 12:00 +0200", type="datetime", formats=form) == expected


def test_of_two_moments_that_a_clock_shows_the_first_is_meant() -> None:
    assert _read("2016-10-30 02:30:00", BERLIN, type="datetime") == datetime(
        2016, 10, 30, 0, 30, tzinfo=UTC
    )


def test_a_default_that_is_no_value_is_the_mistake_of_the_map() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        cell_reader(Column.model_validate({"type": "integer", "default": "five"}), "UTC")


MARKS = st.sampled_from([(".", ""), (".", ","), (",", "."), (",", " "), (".", "'")])


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), MARKS)
def test_a_number_that_is_written_is_read_back(number: Decimal, marks: tuple[str, str]) -> None:
    decimal, group = marks
    text = f"{number:,f}".replace(",", "\0").replace(".", decimal).replace("\0", group)
    assert _read(text, type="decimal", decimal=decimal, group=group) == number


@given(
    st.dates(min_value=date(1000, 1, 1)), st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "iso"])
)
def test_a_date_that_is_written_is_read_back(day: date, form: str) -> None:
    text = day.isoformat() if form == "iso" else day.strftime(form)
    assert _read(text, type="date", formats=form) == day


ZONES = st.sampled_from([UTC, ZoneInfo(BERLIN), timezone(timedelta(hours=-9, minutes=-30))])


@given(st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2200, 1, 1)), ZONES)  # noqa: DTZ001
def test_a_moment_that_is_written_is_read_back(moment: datetime, zone: Any) -> None:
    aware = moment.replace(tzinfo=zone)
    assert _read(aware.isoformat(), type="datetime") == aware.astimezone(UTC)


@given(st.text())
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    for kind in ("text", "integer", "decimal", "boolean", "date", "datetime"):
        try:
            _read(text, type=kind, group=",")
        except ValueError as bad:
            sentence = str(bad)
        else:
            sentence = "“"
        assert sentence.startswith("“")

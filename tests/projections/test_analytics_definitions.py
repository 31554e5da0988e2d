from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from projections.analytics.analyst import Analyst
from projections.analytics.definitions import BadSetting, Metric, metric, metrics
from projections.analytics.document import document

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"

every_metric = pytest.mark.parametrize("it", metrics().values(), ids=metrics())


@every_metric
def test_a_metric_says_what_it_means(it: Metric) -> None:
    assert it.title
    assert it.definition.endswith(".")
    assert it.source
    assert it.excluded
    assert all(setting.doc for setting in it.settings.values())
    assert all(column.doc for column in it.columns.values())
    for setting in it.settings.values():
        assert setting.default is None or setting.read(setting.default) == setting.default


@every_metric
def test_what_comes_out_is_what_is_described(one_contact: Analyst, it: Metric) -> None:
    found = one_contact.metric(it.name)
    assert found.names == tuple(it.columns)
    assert [c.doc for c in found.columns] == [c.doc for c in it.columns.values()]


@every_metric
def test_every_choice_of_a_setting_can_be_asked_for(one_contact: Analyst, it: Metric) -> None:
    for setting in it.settings.values():
        for choice in setting.allowed:
            found = one_contact.metric(it.name, settings={setting.name: choice})
            assert found.settings[setting.name] == choice


def test_the_document_is_fresh() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("periods", "17", 17),
        ("periods", None, 12),
        ("periods", "", 12),
        ("until", "1998-07-01", date(1998, 7, 1)),
        ("until", date(1998, 7, 1), date(1998, 7, 1)),
        ("counting", "on_or_after", "on_or_after"),
        ("start", "lead.captured", "lead.captured"),
    ],
)
def test_settings_are_read_from_what_people_write(name: str, given: Any, value: Any) -> None:
    assert metric("retention").read({name: given})[name] == value


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("periods", "many", "no whole number"),
        ("periods", "0", "less than 1"),
        ("periods", "401", "more than 400"),
        ("until", "July", "no day"),
        ("counting", "maybe", "none of on, on_or_after"),
        ("start", "order.palced", "no event"),
        ("colour", "red", "has no such setting; it has: start"),
    ],
)
def test_settings_that_do_not_fit_are_refused(name: str, given: str, why: str) -> None:
    with pytest.raises(BadSetting, match=why) as wrong:
        metric("retention").read({name: given})
    assert wrong.value.setting == name


def test_a_zone_that_is_none_is_refused(one_contact: Analyst) -> None:
    with pytest.raises(BadSetting, match="Mars"):
        one_contact.metric("retention", settings={"zone": "Mars"})


@pytest.mark.parametrize("name", ["pipeline_snapshot", "win_rate", "cycle_time"])
def test_a_setting_is_a_value_and_never_sql(one_contact: Analyst, name: str) -> None:
    found = one_contact.metric(name, settings={"pipeline": "x' OR 1=1; DROP VIEW events; --"})
    assert found.rows == []

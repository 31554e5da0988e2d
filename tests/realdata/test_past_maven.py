"""Boards and profiles as of past days, against the file asked by DuckDB."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time
from uuid import UUID

import duckdb
import pytest

from domain.accounts import AccountOpened
from domain.kernel import Cut
from projections.kit import VIEWS
from replay.history import row_as_of, rows_as_of
from tests.realdata.conftest import Imported

pytestmark = pytest.mark.realdata

DAYS = [date(2016, 10, 31), date(2017, 3, 1), date(2017, 6, 30), date(2017, 12, 30)]


def end_of(day: date) -> Cut:
    return Cut(at=datetime.combine(day, time.max, UTC))


def account_named(maven: Imported, name: str) -> UUID:
    return next(
        it.stream
        for it in maven.events()
        if isinstance(it.event, AccountOpened) and it.event.name == name
    )


@pytest.mark.parametrize("day", DAYS)
def test_the_board_as_of_a_day(maven: Imported, day: date) -> None:
    rows = rows_as_of(maven.store, VIEWS["opportunities"], end_of(day)).values()
    ours = Counter((row.stage, row.status) for row in rows)
    theirs = duckdb.execute(
        """
        SELECT 'Engaging',
               CASE WHEN close_date > $day OR close_date IS NULL THEN 'open'
                    ELSE lower(deal_stage) END,
               count(*)
        FROM read_csv($file)
        WHERE engage_date <= $day
        GROUP BY ALL
        """,
        {"file": str(maven.files[3]), "day": day},
    ).fetchall()
    assert ours == {(stage, status): n for stage, status, n in theirs}


@pytest.mark.parametrize("day", DAYS)
def test_an_account_all_round_as_of_a_day(maven: Imported, day: date) -> None:
    account = account_named(maven, "Kan-code")
    profile = row_as_of(maven.store, VIEWS["accounts"], (account,), end_of(day))
    assert profile is not None
    assert (profile.name, profile.industry, profile.country) == (
        "Kan-code",
        "software",
        "United States",
    )
    deals = rows_as_of(
        maven.store, VIEWS["opportunities"], end_of(day), lambda row: row.account == account
    ).values()
    won = sum((row.amount or 0 for row in deals if row.status == "won"), start=0)
    theirs = duckdb.execute(
        """
        SELECT count(*) FILTER (close_date > $day OR close_date IS NULL),
               coalesce(sum(close_value) FILTER (deal_stage = 'Won' AND close_date <= $day), 0),
               count(*) + count(*) FILTER (close_date <= $day)
        FROM read_csv($file)
        WHERE account = 'Kan-code' AND engage_date <= $day
        """,
        {"file": str(maven.files[3]), "day": day},
    ).fetchone()
    timeline = maven.store.by_subject(account, cut=end_of(day))
    facts = [it for it in timeline if it.stream != account]
    assert (sum(row.status == "open" for row in deals), won, len(facts)) == theirs


def test_nothing_was_known_before_the_import(maven: Imported) -> None:
    before = Cut(knew=maven.events()[0].recorded_at.replace(year=2020))
    assert rows_as_of(maven.store, VIEWS["opportunities"], before) == {}

"""Four files of opportunities, each trap handled by the map: the log equals the files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import duckdb
import pytest

from domain.accounts import AccountDetailsChanged, AccountOpened
from domain.members import MemberAdded
from domain.opportunities import OpportunityLost, OpportunityOpened, OpportunityWon
from domain.products import ProductAdded
from tests.realdata.conftest import Imported

pytestmark = pytest.mark.realdata


@dataclass
class Deal:
    """What the log says of an opportunity."""

    opened: OpportunityOpened
    engaged: date | None
    status: str
    closed: date | None = None
    amount: Decimal | None = None


def _deals(events: list[Any]) -> dict[UUID, Deal]:
    deals: dict[UUID, Deal] = {}
    for it in events:
        fact, day = it.event, it.occurred_at.date()
        if isinstance(fact, OpportunityOpened):
            engaged = day if fact.stage == "Engaging" else None
            deals[it.stream] = Deal(fact, engaged, fact.stage)
        elif isinstance(fact, OpportunityWon | OpportunityLost):
            deal = deals[it.stream]
            deal.closed = day
            deal.status = "Won" if isinstance(fact, OpportunityWon) else "Lost"
            deal.amount = fact.amount if isinstance(fact, OpportunityWon) else None
    return deals


def test_what_became_of_the_rows(maven: Imported) -> None:
    assert maven.summary.finished
    assert maven.summary.counts == {"new": 8_927, "changes": 15, "left out": 70}
    kinds = Counter(it.event.__event__.name for it in maven.events())
    assert kinds == {
        "pipeline.defined": 1,
        "account.opened": 85,
        "account.details_changed": 15,
        "product.added": 7,
        "member.added": 41,  # 35 agents and their 6 managers
        "opportunity.opened": 8_800,
        "opportunity.won": 4_238,
        "opportunity.lost": 2_473,
    }


def test_every_opportunity_is_as_the_file_says(maven: Imported) -> None:
    events = maven.events()
    names = {
        it.stream: it.event.name
        for it in events
        if isinstance(it.event, AccountOpened | MemberAdded | ProductAdded)
    }
    ours = [
        (
            deal.opened.external_id,
            names[deal.opened.owner] if deal.opened.owner else None,
            names[deal.opened.product] if deal.opened.product else None,
            names[deal.opened.account] if deal.opened.account else None,
            deal.status,
            deal.engaged,
            deal.closed,
            deal.amount,
        )
        for deal in _deals(events).values()
    ]
    theirs = duckdb.execute(
        """
        SELECT opportunity_id, sales_agent, replace(product, 'GTXPro', 'GTX Pro'), account,
               deal_stage, engage_date, close_date,
               CASE WHEN deal_stage = 'Won' THEN close_value::DECIMAL END
        FROM read_csv(?)
    """,
        [str(maven.files[3])],
    ).fetchall()
    assert len(theirs) == 8_800
    assert sorted(ours, key=str) == sorted(theirs, key=str)


def test_every_account_is_as_the_file_says(maven: Imported) -> None:
    events = maven.events()
    accounts = {it.stream: it.event for it in events if isinstance(it.event, AccountOpened)}
    parents = {
        it.stream: accounts[it.event.parent].name
        for it in events
        if isinstance(it.event, AccountDetailsChanged) and it.event.parent
    }
    ours = [
        (a.name, a.industry, a.founded, a.revenue, a.employees, a.country, parents.get(stream))
        for stream, a in accounts.items()
    ]
    theirs = duckdb.execute(
        """
        SELECT account, replace(sector, 'technolgy', 'technology'), year_established,
               revenue::DECIMAL(18, 2), employees, office_location, subsidiary_of
        FROM read_csv(?)
    """,
        [str(maven.files[0])],
    ).fetchall()
    assert sorted(ours, key=str) == sorted(theirs, key=str)


def test_every_agent_has_the_manager_and_office_of_the_file(maven: Imported) -> None:
    members = {it.stream: it.event for it in maven.events() if isinstance(it.event, MemberAdded)}
    ours = [(m.name, members[m.manager].name, m.office) for m in members.values() if m.manager]
    theirs = duckdb.execute("SELECT * FROM read_csv(?)", [str(maven.files[2])]).fetchall()
    assert sorted(ours) == sorted(theirs)
    assert {m.office for m in members.values()} == {"Central", "East", "West"}


def test_what_has_no_date_is_dated_to_the_import(maven: Imported) -> None:
    undated = [
        it
        for it in maven.events()
        if isinstance(it.event, OpportunityOpened) and it.event.stage == "Prospecting"
    ]
    assert len(undated) == 500
    assert all(it.recorded_at - it.occurred_at < timedelta(hours=1) for it in undated)


@pytest.mark.parametrize(
    ("day", "open_engaged"),
    [
        (date(2017, 3, 31), 1_330),
        (date(2017, 6, 30), 1_686),
        (date(2017, 9, 30), 2_409),
        (date(2017, 12, 31), 1_589),
    ],
)
def test_open_engaged_at_the_end_of_a_quarter(
    maven: Imported, day: date, open_engaged: int
) -> None:
    end = datetime.combine(day, time.max, UTC)
    deals = _deals([it for it in maven.events() if it.occurred_at <= end])
    assert sum(deal.status == "Engaging" for deal in deals.values()) == open_engaged

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from api.web import cards
from api.web.patterns import ACCOUNT, NAMES, NOW, deal, samples, task
from projections.sums import Sum, sums


def test_money_of_different_currencies_is_not_added() -> None:
    rows = [deal(0), deal(1), replace(deal(0), currency="USD"), deal(2)]
    assert sums(rows) == (Sum(Decimal("13400.5"), "EUR"), Sum(Decimal(12_500), "USD"))


def test_stages_are_counted() -> None:
    rows = [deal(0), deal(1), replace(deal(2), stage="Qualified")]
    found = cards.tallies(rows)
    assert (found["Proposal"].count, found["Qualified"].count) == (2, 1)
    assert found["Qualified"].sums == ()


def test_a_card_says_what_is_next() -> None:
    assert cards.next_task([], NOW).words == "nothing planned"
    assert cards.next_task([task(NOW - timedelta(hours=1))], NOW).words == "call overdue"
    assert cards.next_task([task(NOW + timedelta(hours=1))], NOW).words == "call today"
    later = [task(NOW + timedelta(days=9)), task(NOW + timedelta(days=3))]
    assert cards.next_task(later, NOW).words == "call in 3 days"


def test_a_card_leads_to_its_customer() -> None:
    assert cards.card(deal(0), NAMES, {}, NOW).href == f"/accounts/{ACCOUNT}"
    alone = replace(deal(0), account=None, contacts=())
    assert cards.card(alone, NAMES, {}, NOW).href == f"#o-{alone.id}"
    person = replace(deal(0), account=None, contacts=(ACCOUNT,))
    assert cards.card(person, NAMES, {}, NOW).href == f"/contacts/{ACCOUNT}"


def test_a_column_counts_what_it_does_not_show() -> None:
    column = samples()["board"].columns[0]
    assert (len(column.cards), column.count, column.more) == (3, 53, 50)

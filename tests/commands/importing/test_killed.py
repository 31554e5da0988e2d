"""kill -9 in the middle of an import, and the same command again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from domain.contacts import ContactAdded
from domain.orders import OrderPlaced
from event_store.postgres import PostgresEventStore
from tests.commands.importing.killing import carry_out_with_kills
from tests.commands.importing.kit import ORDERS, ORDERS_HEADER, Kit

ROWS, CUSTOMERS, BAD_EVERY, CHUNK = 6_000, 700, 500, 150


def _content() -> str:
    rows = [
        f"{n},c{n % CUSTOMERS},{'2020-02-30' if n % BAD_EVERY == 7 else '2020-02-29'},{n}.25"
        for n in range(ROWS)
    ]
    return ORDERS_HEADER + "\n".join(rows) + "\n"


def test_nothing_comes_twice_and_nothing_is_lost(
    tmp_path: Path, database: str, store: PostgresEventStore
) -> None:
    kit = Kit(tmp_path, store)
    plan = kit.plan(ORDERS, {"orders.csv": _content()})
    arguments = [database, str(kit.map), str(kit.rejects), str(CHUNK), str(tmp_path / "orders.csv")]
    summary = carry_out_with_kills(store, plan, arguments, kills=5, seed=2016)

    good = [n for n in range(ROWS) if n % BAD_EVERY != 7]
    assert summary.finished
    assert summary.counts == {"new": len(good), "refused": ROWS - len(good)}
    events = kit.events()
    orders = [it for it in events if isinstance(it.event, OrderPlaced)]
    assert [it.source for it in orders] == [f"import orders.csv:{n + 2}" for n in good]
    assert [it.event.lines[0].amount for it in orders] == [Decimal(f"{n}.25") for n in good]
    contacts = [str(it.event.last_name) for it in events if isinstance(it.event, ContactAdded)]
    assert sorted(contacts) == sorted(f"c{n}" for n in range(CUSTOMERS))
    assert len(events) == len(orders) + len(contacts) == summary.events
    assert {it.batch_id for it in events} == {plan.id}
    refused = kit.rejects.read_text().splitlines()[1:]
    assert [int(line.split(",")[1]) for line in refused] == list(range(9, ROWS + 2, BAD_EVERY))

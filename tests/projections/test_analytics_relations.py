"""Analysts see the same records as everybody else: relations equal the views of their name."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.kernel import NOW, Cut, Event
from domain.orders import OrderLine, OrderPlaced
from event_store.postgres import PostgresEventStore
from event_store.store import Entry, Envelope, Write
from projections.analytics.analyst import Analyst
from projections.kit import VIEWS, Key
from tests.architecture.anything import EPOCH, facts_of

BEGINNINGS = {
    "account": "account.opened",
    "case": "case.opened",
    "contact": "contact.added",
    "interaction": "interaction.recorded",
    "lead": "lead.captured",
    "member": "member.added",
    "opportunity": "opportunity.opened",
    "order": "order.placed",
    "pipeline": "pipeline.defined",
    "product": "product.added",
    "task": "task.planned",
}
RELATIONS = {
    "accounts": "account",
    "cases": "case",
    "contacts": "contact",
    "interactions": "interaction",
    "leads": "lead",
    "members": "member",
    "opportunities": "opportunity",
    "orders": "order",
    "pipelines": "pipeline",
    "products": "product",
    "tasks": "task",
}
ONLY_PEOPLE_SEE = {
    "cases": {"description", "resolution", "comment"},
    "interactions": {"subject", "body"},
    "leads": {"first_name", "last_name", "email", "phone", "title", "country", "interest"},
    "opportunities": {"contacts"},
    "orders": {"lines"},
    "tasks": {"note", "result"},
}
"""What analysts do not get: personal fields, and lists that have a relation of their own."""

real_logs = settings(
    max_examples=4,
    # The log only grows, so that smaller examples of a failure would not be smaller ones.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def begun(facts: list[Event], noun: str) -> list[Event]:
    """The facts as one record could have them: the one that begins it stands first, once."""
    first = [n for n, fact in enumerate(facts) if fact.__event__.name == BEGINNINGS[noun]]
    if not first:
        return []
    later = [f for f in facts[first[0] :] if f.__event__.name != BEGINNINGS[noun]]
    return [facts[first[0]], *later]


def tell(store: PostgresEventStore, noun: str, facts: list[Event], dice: random.Random) -> None:
    """Appends the facts to a new stream, each at a moment of its own in any order."""
    stream = uuid4()
    for n, fact in enumerate(begun(facts, noun)):
        at = EPOCH + timedelta(seconds=dice.randrange(2_000_000))
        envelope = Envelope("ada", uuid4(), uuid4(), at)
        store.append(Entry(envelope, (Write(stream, n, (fact,), (stream,)),)))


def folded(store: PostgresEventStore, name: str, cut: Cut) -> dict[Key, Any]:
    """The rows of a view as of a cut."""
    view, found = VIEWS[name], dict[Key, Any]()
    for it in store.page(0):
        if it.name in view.names and cut.holds(it):
            for key in view.keys(it):
                row = view.evolve(found.get(key), it, key)
                found.pop(key, None) if row is None else found.update({key: row})
    return found


def plain(value: Any) -> Any:
    """Values as both sides can say them."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if hasattr(value, "__struct_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    return value


def same(store: PostgresEventStore, analyst: Analyst, relation: str, cut: Cut) -> None:
    rows = folded(store, relation, cut)
    found = analyst.query(f'SELECT * FROM "{relation}"', cut)  # noqa: S608 - our own names
    told = {row["id"]: row for row in found.dicts()}
    assert told.keys() == {key[0] for key in rows}
    for (stream, *_), row in rows.items():
        left_out = ONLY_PEOPLE_SEE.get(relation, set())
        if relation == "contacts":
            left_out = {f for f in row.__struct_fields__ if f not in found.names}
        wanted = {f for f in row.__struct_fields__ if f not in left_out}
        assert wanted <= set(found.names), relation
        for name in wanted:
            assert plain(told[stream][name]) == plain(getattr(row, name)), (relation, name)


@pytest.mark.parametrize("relation", RELATIONS)
@given(data=st.data())
@real_logs
def test_a_relation_equals_the_view_of_its_name(
    store: PostgresEventStore, analyst: Analyst, relation: str, data: st.DataObject
) -> None:
    noun = RELATIONS[relation]
    dice = random.Random(data.draw(st.integers(0, 10_000), label="moments"))
    for _ in range(4):
        tell(store, noun, data.draw(facts_of([noun])), dice)
    some_day = EPOCH + timedelta(seconds=dice.randrange(2_000_000))
    for cut in (NOW, Cut(at=some_day)):
        same(store, analyst, relation, cut)


@given(data=st.data())
@real_logs
def test_stays_in_stages_equal_those_of_the_view(
    store: PostgresEventStore, analyst: Analyst, data: st.DataObject
) -> None:
    dice = random.Random(data.draw(st.integers(0, 10_000), label="moments"))
    for _ in range(4):
        tell(store, "opportunity", data.draw(facts_of(["opportunity"])), dice)
    for cut in (NOW, Cut(at=EPOCH + timedelta(days=11))):
        rows = folded(store, "stage_spans", cut)
        expected = {
            (row.opportunity, span.n): (row.pipeline, *(plain(span).values()))
            for row in rows.values()
            for span in row.spans
        }
        found = analyst.query(
            "SELECT opportunity, n, pipeline, n, stage, entered_at, left_at, left_for, owner"
            " FROM stage_spans",
            cut,
        )
        assert {(row[0], row[1]): row[2:] for row in found.rows} == expected


@given(data=st.data())
@real_logs
def test_order_lines_equal_those_of_the_view(
    store: PostgresEventStore, analyst: Analyst, data: st.DataObject
) -> None:
    for _ in range(4):
        tell(store, "order", data.draw(facts_of(["order"])), random.Random(1))
    expected: dict[tuple[UUID, int], tuple[Any, ...]] = {
        (row.id, n): tuple(plain(line).values())
        for row in folded(store, "orders", NOW).values()
        for n, line in enumerate(row.lines, 1)
    }
    found = analyst.query(
        'SELECT "order", line, product, description, quantity, amount, returned_quantity,'
        " returned_amount FROM order_lines"
    )
    assert {(row[0], row[1]): row[2:] for row in found.rows} == expected


def test_a_number_of_four_places_is_exact(store: PostgresEventStore, analyst: Analyst) -> None:
    amount = Decimal("99999999999999.9999")
    line = OrderLine(quantity=Decimal("0.0001"), amount=amount)
    fact = OrderPlaced(currency="USD", lines=(line,))
    envelope = Envelope("ada", uuid4(), uuid4())
    store.append(Entry(envelope, (Write(uuid4(), 0, (fact,)),)))
    assert analyst.query("SELECT gross, quantity FROM orders").rows == [(amount, Decimal("0.0001"))]

from __future__ import annotations

import contextlib
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import Refused, fold
from domain.orders import (
    Order,
    OrderLine,
    OrderPlaced,
    OrderReturned,
    ReturnedLine,
    evolve,
    place,
    take_back,
)

amounts = st.decimals(-50, 50, places=2)
quantities = st.decimals("0.25", 10, places=2)
lines = st.builds(OrderLine, quantity=quantities, amount=amounts)
placed = st.builds(
    OrderPlaced,
    currency=st.just("EUR"),
    contact=st.just(UUID(int=7)),
    lines=st.lists(lines, min_size=1, max_size=4).map(tuple),
)
back = st.builds(
    ReturnedLine,
    line=st.integers(0, 5),
    quantity=st.decimals(-1, 6, places=2),
    amount=amounts,
)
returned = st.builds(OrderReturned, lines=st.lists(back, min_size=1, max_size=3).map(tuple))


@given(placed)
def test_placing_twice_places_once(fact: OrderPlaced) -> None:
    order = fold(evolve, Order(), place(Order(), fact))
    assert place(order, fact) == []


@given(placed, st.lists(returned, max_size=12))
def test_what_comes_back_never_exceeds_what_was_ordered(
    fact: OrderPlaced, returns: list[OrderReturned]
) -> None:
    order = fold(evolve, Order(), place(Order(), fact))
    for asked in returns:
        with contextlib.suppress(Refused):
            order = fold(evolve, order, take_back(order, asked))

    for line, left in zip(fact.lines, order.left, strict=True):
        assert 0 <= left.quantity <= line.quantity
        low, high = sorted((Decimal(0), line.amount))
        assert low <= left.amount <= high


@given(placed)
def test_everything_can_come_back_and_then_nothing_more(fact: OrderPlaced) -> None:
    order = fold(evolve, Order(), place(Order(), fact))
    everything = OrderReturned(
        lines=tuple(
            ReturnedLine(line=n, quantity=line.quantity, amount=line.amount)
            for n, line in enumerate(fact.lines, start=1)
        )
    )
    order = fold(evolve, order, take_back(order, everything))

    assert not any(left.quantity or left.amount for left in order.left)
    with contextlib.suppress(Refused):
        assert take_back(order, everything) == []

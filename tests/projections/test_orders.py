from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from domain.orders import OrderLine, OrderPlaced, OrderReturned, ReturnedLine
from tests.given import START, row

PLACED = OrderPlaced(
    currency="EUR",
    number="A-1",
    contact=UUID(int=7),
    lines=(
        OrderLine(quantity=Decimal(3), amount=Decimal("30.00"), description="Cups"),
        OrderLine(quantity=Decimal(1), amount=Decimal(0), description="Gift"),
    ),
)


def _back(line: int, quantity: int, amount: str, why: str | None = None) -> OrderReturned:
    back = ReturnedLine(line=line, quantity=Decimal(quantity), amount=Decimal(amount))
    return OrderReturned(lines=(back,), return_reason=why)


def test_an_order_shows_what_it_comes_to() -> None:
    order = row("orders", PLACED)
    assert (order.number, order.status, order.line_count) == ("A-1", "placed", 2)
    assert (order.gross, order.returned, order.net) == (30, 0, 30)
    assert order.placed_at == order.changed_at == START
    assert order.returned_at is None


def test_a_part_that_came_back_is_taken_off() -> None:
    order = row("orders", PLACED, _back(1, 1, "10.00", "broken"), _back(1, 0, "2.50"))
    assert order.status == "partly returned"
    assert (order.gross, order.returned, order.net) == (30, Decimal("12.50"), Decimal("17.50"))
    assert (order.lines[0].returned_quantity, order.lines[0].returned_amount) == (1, 12.5)
    assert order.returned_at == START + timedelta(days=2)
    assert order.version == 3


def test_an_order_that_came_back_whole() -> None:
    order = row("orders", PLACED, _back(1, 3, "30"), _back(2, 1, "0"))
    assert (order.status, order.net) == ("returned", 0)


def test_a_return_of_a_line_that_is_not_there_changes_no_sum() -> None:
    order = row("orders", PLACED, _back(9, 1, "5"))
    assert order.net == order.gross == 30


def test_a_return_without_an_order_is_no_row() -> None:
    assert row("orders", _back(1, 1, "5")) is None

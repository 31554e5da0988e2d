from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from commands.orders import OrderLineInput, PlaceOrder, ReturnedLineInput, ReturnOrder
from domain.orders import (
    LINES_MAX,
    NoSuchLine,
    NoSuchOrder,
    OrderExists,
    OrderLine,
    OrderPlaced,
    OrderReturned,
    OrderWithoutCustomer,
    ReturnedLine,
    ReturnedTooMany,
    ReturnedTooMuch,
)
from tests.given import STREAM, given

CONTACT, ACCOUNT = UUID(int=7), UUID(int=8)
PLACED = OrderPlaced(
    currency="EUR",
    contact=CONTACT,
    lines=(
        OrderLine(quantity=Decimal(3), amount=Decimal("30.00"), description="Cups"),
        OrderLine(quantity=Decimal(1), amount=Decimal("-5.00"), description="Voucher"),
        OrderLine(quantity=Decimal(2), amount=Decimal(0), description="Gift"),
    ),
)


def _returns(*lines: tuple[int, str, str], why: str | None = None) -> ReturnOrder:
    given_back = [
        ReturnedLineInput(line=line, quantity=Decimal(quantity), amount=Decimal(amount))
        for line, quantity, amount in lines
    ]
    return ReturnOrder(order=STREAM, lines=given_back, return_reason=why)


def _returned(*lines: tuple[int, str, str], why: str | None = None) -> OrderReturned:
    back = (
        ReturnedLine(line=line, quantity=Decimal(quantity), amount=Decimal(amount))
        for line, quantity, amount in lines
    )
    return OrderReturned(lines=tuple(back), return_reason=why)


def _place(**but: object) -> PlaceOrder:
    lines = [
        OrderLineInput(quantity=line.quantity, amount=line.amount, description=line.description)
        for line in PLACED.lines
    ]
    asked = {"order": STREAM, "currency": "EUR", "contact": CONTACT, "lines": lines}
    return PlaceOrder.model_validate(asked | but)


def test_an_order_is_placed_line_by_line() -> None:
    given().when(_place()).then(PLACED).concerning(CONTACT)


def test_an_account_can_order_as_well() -> None:
    placed = OrderPlaced(currency="EUR", account=ACCOUNT, lines=PLACED.lines)
    given().when(_place(contact=None, account=ACCOUNT)).then(placed).concerning(ACCOUNT)


def test_somebody_has_to_order() -> None:
    given().when(_place(contact=None)).refused(OrderWithoutCustomer)


def test_placing_twice_is_placing_once() -> None:
    given(PLACED).when(_place()).then()


def test_an_order_is_not_placed_over_another_one() -> None:
    given(PLACED).when(_place(currency="USD")).refused(OrderExists)


@pytest.mark.parametrize(
    "line",
    [
        {"quantity": 0, "amount": 1},
        {"quantity": -1, "amount": 1},
        {"quantity": 1},
        {"quantity": 1, "amount": "1.00005"},
        {"quantity": 1, "amount": "1.2.3"},
    ],
)
def test_a_line_needs_a_quantity_and_an_amount(line: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _place(lines=[line])


def test_an_order_has_lines_and_not_too_many() -> None:
    line = OrderLineInput(quantity=Decimal(1), amount=Decimal(1))
    for lines in ([], [line] * (LINES_MAX + 1)):
        with pytest.raises(ValidationError):
            _place(lines=lines)


def test_a_line_without_a_quantity_is_one_piece() -> None:
    placed = OrderPlaced(
        currency="EUR",
        contact=CONTACT,
        lines=(OrderLine(quantity=Decimal(1), amount=Decimal(9)),),
    )
    given().when(_place(lines=[{"amount": "9"}])).then(placed)


def test_a_part_comes_back() -> None:
    given(PLACED).when(_returns((1, "1", "10.00"), why="broken")).then(
        _returned((1, "1", "10.00"), why="broken")
    ).concerning(CONTACT)


def test_the_same_goods_twice_are_two_returns() -> None:
    given(PLACED, _returned((1, "1", "10"))).when(_returns((1, "1", "10"))).then(
        _returned((1, "1", "10"))
    )


def test_money_goes_back_without_goods() -> None:
    given(PLACED).when(_returns((1, "0", "4"))).then(_returned((1, "0", "4")))


def test_goods_come_back_that_were_free() -> None:
    given(PLACED).when(_returns((3, "2", "0"))).then(_returned((3, "2", "0")))


def test_a_discount_goes_back_with_its_goods() -> None:
    given(PLACED).when(_returns((2, "1", "-5"))).then(_returned((2, "1", "-5")))


def test_nothing_back_is_nothing_to_do() -> None:
    given(PLACED).when(_returns((1, "0", "0"))).then()


def test_no_more_comes_back_than_was_ordered() -> None:
    given(PLACED).when(_returns((1, "4", "10"))).refused(
        ReturnedTooMany, line=1, left=Decimal(3), quantity=Decimal(4)
    )


def test_no_more_comes_back_than_is_left() -> None:
    given(PLACED, _returned((1, "2", "20"))).when(_returns((1, "2", "10"))).refused(
        ReturnedTooMany, left=Decimal(1)
    )


def test_one_return_counts_as_a_whole() -> None:
    given(PLACED).when(_returns((1, "2", "10"), (1, "2", "10"))).refused(ReturnedTooMany)


def test_no_more_is_paid_back_than_was_charged() -> None:
    given(PLACED).when(_returns((1, "3", "30.01"))).refused(ReturnedTooMuch, left=Decimal("30.00"))
    given(PLACED).when(_returns((3, "1", "1"))).refused(ReturnedTooMuch)
    given(PLACED).when(_returns((2, "1", "5"))).refused(ReturnedTooMuch)
    given(PLACED).when(_returns((1, "1", "-1"))).refused(ReturnedTooMuch)


def test_only_lines_that_are_there_come_back() -> None:
    given(PLACED).when(_returns((4, "1", "1"))).refused(NoSuchLine, line=4, lines=3)


def test_an_order_that_is_not_there_does_not_come_back() -> None:
    given().when(_returns((1, "1", "1"))).refused(NoSuchOrder)


def test_a_return_on_an_old_version_conflicts() -> None:
    given(PLACED, _returned((1, "1", "10"))).when(_returns((1, "1", "10")), seen=1).conflicts()

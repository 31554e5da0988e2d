"""What one may ask of an order."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from commands.desk import Desk
from commands.fields import Amount, Currency, Name
from commands.registry import Command, handles
from domain import orders
from domain.kernel import new_id
from domain.orders import LINES_MAX, ORDER, OrderLine, OrderPlaced, OrderReturned, ReturnedLine

Quantity = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=4)]


class OrderLineInput(BaseModel):
    """So many of something, for so much."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    product: UUID | None = None
    description: Name | None = None
    quantity: Quantity = Decimal(1)
    amount: Amount = Field(
        description="What was charged for the whole line; 0 for a gift, negative for a discount."
    )


class ReturnedLineInput(BaseModel):
    """What came back of one line, and what was paid back for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    line: int = Field(ge=1, le=LINES_MAX, description="Place in the order, from 1.")
    quantity: Decimal = Field(
        ge=0,
        max_digits=18,
        decimal_places=4,
        description="0 where money went back but no goods did.",
    )
    amount: Amount


class PlaceOrder(Command, name="place-order"):
    """Records what a contact or an account bought, line by line."""

    order: UUID = Field(default_factory=new_id)
    number: Name | None = None
    account: UUID | None = None
    contact: UUID | None = None
    opportunity: UUID | None = None
    owner: UUID | None = None
    currency: Currency
    lines: list[OrderLineInput] = Field(min_length=1, max_length=LINES_MAX)
    channel: Name | None = None
    external_id: Name | None = None


class ReturnOrder(Command, name="return-order"):
    """Records what came back of an order, and what was paid back for it."""

    order: UUID
    lines: list[ReturnedLineInput] = Field(min_length=1, max_length=LINES_MAX)
    return_reason: Name | None = None


def _line(given: OrderLineInput) -> OrderLine:
    return OrderLine(
        product=given.product,
        description=given.description,
        quantity=given.quantity,
        amount=given.amount,
    )


@handles(PlaceOrder)
def place_order(ask: PlaceOrder, desk: Desk) -> None:
    fact = OrderPlaced(
        number=ask.number,
        account=ask.account,
        contact=ask.contact,
        opportunity=ask.opportunity,
        owner=ask.owner,
        currency=ask.currency,
        lines=tuple(_line(line) for line in ask.lines),
        channel=ask.channel,
        external_id=ask.external_id,
    )
    desk.change(ORDER, ask.order, lambda it: orders.place(it, fact))


@handles(ReturnOrder)
def return_order(ask: ReturnOrder, desk: Desk) -> None:
    fact = OrderReturned(
        lines=tuple(
            ReturnedLine(line=back.line, quantity=back.quantity, amount=back.amount)
            for back in ask.lines
        ),
        return_reason=ask.return_reason,
    )
    desk.change(ORDER, ask.order, lambda it: orders.take_back(it, fact))

"""An order: what a customer bought, line by line, and what came back of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never
from uuid import UUID

import msgspec

from domain.kernel import Aggregate, Event, Refused, event, some

LINES_MAX = 500

ZERO = Decimal(0)


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many of something, for so much."""

    quantity: Decimal
    amount: Decimal
    """What was charged for the whole line, in the currency of the order; 0 for a gift,
    negative for a discount."""
    product: UUID | None = None
    description: str | None = None


class ReturnedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What came back of one line, and what was paid back for it."""

    line: int
    """Place in the order, from 1."""
    quantity: Decimal
    """0 where money went back but no goods did."""
    amount: Decimal


# --- Events: stored as written; change them only by adding a version.


@event("order.placed", summary="placed an order in {currency}")
class OrderPlaced(Event):
    currency: str
    lines: tuple[OrderLine, ...]
    number: str | None = None
    account: UUID | None = None
    contact: UUID | None = None
    opportunity: UUID | None = None
    owner: UUID | None = None
    channel: str | None = None
    external_id: str | None = None


@event("order.returned", summary="returned goods: {return_reason}")
class OrderReturned(Event):
    lines: tuple[ReturnedLine, ...]
    return_reason: str | None = None


OrderEvent = OrderPlaced | OrderReturned

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Left:
    """What a customer still has of a line: ordered less returned."""

    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    placed: OrderPlaced | None = None
    left: tuple[Left, ...] = ()


def evolve(it: Order, fact: OrderEvent) -> Order:
    match fact:
        case OrderPlaced():
            return Order(fact, tuple(Left(line.quantity, line.amount) for line in fact.lines))
        case OrderReturned():
            return replace(it, left=_less(it.left, fact.lines))
        case _:
            assert_never(fact)


def _less(left: tuple[Left, ...], returned: tuple[ReturnedLine, ...]) -> tuple[Left, ...]:
    remaining = list(left)
    for back in returned:
        if 1 <= back.line <= len(remaining):
            had = remaining[back.line - 1]
            remaining[back.line - 1] = Left(had.quantity - back.quantity, had.amount - back.amount)
    return tuple(remaining)


def subjects(it: Order) -> tuple[UUID, ...]:
    return some(it.placed.account, it.placed.contact) if it.placed else ()


ORDER = Aggregate("order", Order(), evolve, subjects)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchOrder(Refused):
    """There is no such order."""


class OrderExists(Refused):
    """This order has been placed already, with other content."""


class OrderWithoutCustomer(Refused):
    """An order needs an account or a contact."""


class NoSuchLine(Refused):
    """The order has no line {line}. It has {lines}."""


class ReturnedTooMany(Refused):
    """Line {line} has a quantity of {left} left to return, not {quantity}."""


class ReturnedTooMuch(Refused):
    """Line {line} has {left} left to pay back, not {amount}."""


def place(it: Order, fact: OrderPlaced) -> list[OrderEvent]:
    if it.placed is not None:
        if it.placed == fact:
            return []
        raise OrderExists
    if fact.account is None and fact.contact is None:
        raise OrderWithoutCustomer
    return [fact]


def take_back(it: Order, fact: OrderReturned) -> list[OrderEvent]:
    """A return is a fact each time: the same goods twice are two returns."""
    if it.placed is None:
        raise NoSuchOrder
    left = it.left
    for back in fact.lines:
        _check(left, back)
        left = _less(left, (back,))
    return [] if left == it.left else [fact]


def _check(left: tuple[Left, ...], back: ReturnedLine) -> None:
    if not 1 <= back.line <= len(left):
        raise NoSuchLine(field="lines", line=back.line, lines=len(left))
    had = left[back.line - 1]
    if not 0 <= back.quantity <= had.quantity:
        raise ReturnedTooMany(
            field="lines", line=back.line, left=had.quantity, quantity=back.quantity
        )
    # A discount line has a negative amount, of which a negative part may go back.
    if not min(had.amount, ZERO) <= back.amount <= max(had.amount, ZERO):
        raise ReturnedTooMuch(field="lines", line=back.line, left=had.amount, amount=back.amount)

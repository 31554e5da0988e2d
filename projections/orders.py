"""Orders as people look at them: one row each, with its lines and what it comes to."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.orders import ZERO, OrderLine, OrderPlaced, OrderReturned, ReturnedLine
from projections.kit import Key, View, view


class OrderRowLine(msgspec.Struct, frozen=True, kw_only=True):
    product: UUID | None
    description: str | None
    quantity: Decimal
    amount: Decimal
    returned_quantity: Decimal
    returned_amount: Decimal


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    number: str | None
    status: str
    """placed, partly returned or returned"""
    account: UUID | None
    contact: UUID | None
    opportunity: UUID | None
    owner: UUID | None
    channel: str | None
    currency: str
    lines: tuple[OrderRowLine, ...]
    line_count: int
    gross: Decimal
    """What was charged for all lines."""
    returned: Decimal
    """What was paid back."""
    net: Decimal
    """Gross less returned."""
    return_reason: str | None
    """Of the last return."""
    external_id: str | None
    placed_at: datetime
    returned_at: datetime | None
    """When something came back last."""
    changed_at: datetime


@view
class Orders(View[OrderRow]):
    name = "orders"
    version = 1
    row = OrderRow
    reads = (OrderPlaced, OrderReturned)
    indexes = ("contact, placed_at", "account, placed_at", "placed_at, id", "changed_at, id")

    def evolve(self, row: OrderRow | None, it: Recorded[Any], key: Key) -> OrderRow | None:
        fact = it.event
        if isinstance(fact, OrderPlaced):
            return _placed(it)
        if row is None or not isinstance(fact, OrderReturned):
            return row
        return _returned(row, it)


def _placed(it: Recorded[OrderPlaced]) -> OrderRow:
    fact = it.event
    gross = sum((line.amount for line in fact.lines), ZERO)
    return OrderRow(
        id=it.stream,
        version=it.version,
        number=fact.number,
        status="placed",
        account=fact.account,
        contact=fact.contact,
        opportunity=fact.opportunity,
        owner=fact.owner,
        channel=fact.channel,
        currency=fact.currency,
        lines=tuple(_line(line) for line in fact.lines),
        line_count=len(fact.lines),
        gross=gross,
        returned=ZERO,
        net=gross,
        return_reason=None,
        external_id=fact.external_id,
        placed_at=it.occurred_at,
        returned_at=None,
        changed_at=it.occurred_at,
    )


def _line(line: OrderLine) -> OrderRowLine:
    return OrderRowLine(
        product=line.product,
        description=line.description,
        quantity=line.quantity,
        amount=line.amount,
        returned_quantity=ZERO,
        returned_amount=ZERO,
    )


def _returned(row: OrderRow, it: Recorded[OrderReturned]) -> OrderRow:
    fact = it.event
    lines = list(row.lines)
    for back in fact.lines:
        if 1 <= back.line <= len(lines):
            lines[back.line - 1] = _given_back(lines[back.line - 1], back)
    returned = sum((line.returned_amount for line in lines), ZERO)
    whole = all(line.returned_quantity >= line.quantity for line in lines)
    return replace(
        row,
        version=it.version,
        status="returned" if whole else "partly returned",
        lines=tuple(lines),
        returned=returned,
        net=row.gross - returned,
        return_reason=fact.return_reason,
        returned_at=it.occurred_at,
        changed_at=it.occurred_at,
    )


def _given_back(line: OrderRowLine, back: ReturnedLine) -> OrderRowLine:
    return replace(
        line,
        returned_quantity=line.returned_quantity + back.quantity,
        returned_amount=line.returned_amount + back.amount,
    )

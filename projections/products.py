"""Products as people look at them: one row each, with today's list price."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from domain.details import said
from domain.kernel import Recorded
from domain.products import (
    ProductAdded,
    ProductDetailsChanged,
    ProductPriceChanged,
    ProductRetired,
)
from projections.kit import Key, View, view


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    name: str
    code: str | None
    family: str | None
    list_price: Decimal | None
    currency: str | None
    external_id: str | None
    added_at: datetime
    retired_at: datetime | None = None
    changed_at: datetime


@view
class Products(View[ProductRow]):
    name = "products"
    version = 1
    row = ProductRow
    reads = (ProductAdded, ProductDetailsChanged, ProductPriceChanged, ProductRetired)
    indexes = ("family", "code")

    def evolve(self, row: ProductRow | None, it: Recorded[Any], key: Key) -> ProductRow | None:
        at = it.occurred_at
        if isinstance(it.event, ProductAdded):
            return ProductRow(
                id=it.stream, version=it.version, added_at=at, changed_at=at, **asdict(it.event)
            )
        if row is None:
            return None
        if isinstance(it.event, ProductRetired):
            return replace(row, retired_at=at, version=it.version, changed_at=at)
        return replace(row, **said(it.event, ProductAdded), version=it.version, changed_at=at)

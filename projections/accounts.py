"""Accounts as people look at them: one row each."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from domain.accounts import (
    AccountAssigned,
    AccountDetailsChanged,
    AccountDetailsCorrected,
    AccountOpened,
)
from domain.details import said
from domain.kernel import Recorded
from projections.kit import Key, View, view


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    name: str
    industry: str | None
    kind: str | None
    """customer, prospect, partner, supplier, or a word of one's own"""
    website: str | None
    phone: str | None
    employees: int | None
    revenue: Decimal | None
    revenue_currency: str | None
    founded: int | None
    street: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    parent: UUID | None
    owner: UUID | None
    external_id: str | None
    opened_at: datetime
    changed_at: datetime


@view
class Accounts(View[AccountRow]):
    name = "accounts"
    version = 1
    row = AccountRow
    reads = (AccountOpened, AccountDetailsChanged, AccountDetailsCorrected, AccountAssigned)
    indexes = ("owner", "parent", "industry", "external_id", "name", "changed_at, id")

    def evolve(self, row: AccountRow | None, it: Recorded[Any], key: Key) -> AccountRow | None:
        at = it.occurred_at
        if isinstance(it.event, AccountOpened):
            return AccountRow(
                id=it.stream, version=it.version, opened_at=at, changed_at=at, **asdict(it.event)
            )
        if row is None:
            return None
        return replace(row, **said(it.event, AccountOpened), version=it.version, changed_at=at)

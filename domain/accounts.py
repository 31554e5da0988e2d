"""An account: an organisation that we deal with, as a customer, a partner or otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from domain.details import differs, learned, news
from domain.kernel import Aggregate, Event, Refused, event
from domain.money import check_money

# --- Events: stored as written; change them only by adding a version.


class AccountDetails(Event):
    """What the events of an account have in common; no fact by itself."""

    name: str | None = None
    industry: str | None = None
    kind: str | None = None
    """customer, prospect, partner, supplier, or a word of one's own"""
    website: str | None = None
    phone: str | None = None
    employees: int | None = None
    revenue: Decimal | None = None
    """In a year."""
    revenue_currency: str | None = None
    founded: int | None = None
    """The year."""
    street: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    parent: UUID | None = None
    """The account that it belongs to."""
    external_id: str | None = None


@event("account.opened", summary="opened the account “{name}”")
class AccountOpened(AccountDetails):
    name: str
    owner: UUID | None = None


@event("account.details_changed", summary="changed details")
class AccountDetailsChanged(AccountDetails):
    cleared: tuple[str, ...] = ()


@event("account.details_corrected", summary="corrected details")
class AccountDetailsCorrected(AccountDetails):
    cleared: tuple[str, ...] = ()


@event("account.assigned", summary="handed to another owner")
class AccountAssigned(Event):
    owner: UUID


AccountEvent = AccountOpened | AccountDetailsChanged | AccountDetailsCorrected | AccountAssigned

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Account:
    known: AccountOpened | None = None
    """As if opened today."""


def evolve(it: Account, fact: AccountEvent) -> Account:
    match fact:
        case AccountOpened():
            return Account(fact)
        case AccountDetailsChanged() | AccountDetailsCorrected() | AccountAssigned():
            return Account(learned(it.known, fact))
        case _:
            assert_never(fact)


ACCOUNT = Aggregate("account", Account(), evolve, is_subject=True)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchAccount(Refused):
    """There is no such account."""


class AccountExists(Refused):
    """This account is open already, under the name “{name}”."""


class OwnParent(Refused):
    """An account cannot belong to itself."""


def open_account(it: Account, account: UUID, fact: AccountOpened) -> list[AccountEvent]:
    """``account`` is the id of the one that is opened."""
    if it.known is not None:
        if differs(it.known, fact):
            raise AccountExists(name=it.known.name)
        return []
    _check(account, fact)
    return [fact]


def change_details(
    it: Account, account: UUID, fact: AccountDetailsChanged | AccountDetailsCorrected
) -> list[AccountEvent]:
    """``account`` is the id of the one that is changed or corrected."""
    if it.known is None:
        raise NoSuchAccount
    changes: list[AccountEvent] = [*news(it.known, fact)]
    for change in changes:
        _check(account, learned(it.known, change))
    return changes


def assign(it: Account, *, owner: UUID) -> list[AccountEvent]:
    if it.known is None:
        raise NoSuchAccount
    return [] if it.known.owner == owner else [AccountAssigned(owner=owner)]


def _check(account: UUID, known: AccountOpened) -> None:
    if known.parent == account:
        raise OwnParent(field="parent")
    check_money(known.revenue, known.revenue_currency, field="revenue_currency")

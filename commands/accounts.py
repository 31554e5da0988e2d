"""What one may ask of an account."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from commands.desk import Desk
from commands.facts import fact_of
from commands.fields import Amount, Cleared, Country, Currency, Name
from commands.registry import Command, handles
from domain import accounts
from domain.accounts import (
    ACCOUNT,
    AccountDetailsChanged,
    AccountDetailsCorrected,
    AccountOpened,
)
from domain.kernel import new_id

EMPLOYEES_MAX = 100_000_000
YEAR_MAX = 9_999


class AccountDetails(Command):
    """What can be said of an account."""

    name: Name | None = None
    industry: Name | None = None
    kind: Name | None = Field(
        default=None, description="customer, prospect, partner, supplier, or a word of your own"
    )
    website: Name | None = None
    phone: Name | None = None
    employees: int | None = Field(default=None, ge=0, le=EMPLOYEES_MAX)
    revenue: Amount | None = Field(default=None, description="In a year.")
    revenue_currency: Currency | None = None
    founded: int | None = Field(default=None, ge=1, le=YEAR_MAX, description="The year.")
    street: Name | None = None
    city: Name | None = None
    region: Name | None = None
    postal_code: Name | None = None
    country: Country | None = None
    parent: UUID | None = Field(default=None, description="The account that it belongs to.")
    external_id: Name | None = None


class OpenAccount(AccountDetails, name="open-account"):
    """Opens an account for an organisation."""

    account: UUID = Field(default_factory=new_id)
    name: Name
    owner: UUID | None = None


class ChangeAccount(AccountDetails, name="change-account"):
    """Changes the details of an account, because they have become different."""

    account: UUID
    cleared: Cleared = ()


class CorrectAccount(AccountDetails, name="correct-account"):
    """Corrects the details of an account, because they were wrong."""

    account: UUID
    cleared: Cleared = ()


class AssignAccount(Command, name="assign-account"):
    """Hands an account to another owner."""

    account: UUID
    owner: UUID


@handles(OpenAccount)
def open_account(ask: OpenAccount, desk: Desk) -> None:
    fact = fact_of(AccountOpened, ask)
    desk.change(ACCOUNT, ask.account, lambda it: accounts.open_account(it, ask.account, fact))


@handles(ChangeAccount)
def change_account(ask: ChangeAccount, desk: Desk) -> None:
    fact = fact_of(AccountDetailsChanged, ask)
    desk.change(ACCOUNT, ask.account, lambda it: accounts.change_details(it, ask.account, fact))


@handles(CorrectAccount)
def correct_account(ask: CorrectAccount, desk: Desk) -> None:
    fact = fact_of(AccountDetailsCorrected, ask)
    desk.change(ACCOUNT, ask.account, lambda it: accounts.change_details(it, ask.account, fact))


@handles(AssignAccount)
def assign_account(ask: AssignAccount, desk: Desk) -> None:
    desk.change(ACCOUNT, ask.account, lambda it: accounts.assign(it, owner=ask.owner))

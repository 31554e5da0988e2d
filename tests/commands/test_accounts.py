"""Accounts: opened once, changed by what is new, corrected apart from that, handed over."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from commands.accounts import AssignAccount, ChangeAccount, CorrectAccount, OpenAccount
from domain.accounts import (
    AccountAssigned,
    AccountDetailsChanged,
    AccountDetailsCorrected,
    AccountExists,
    AccountOpened,
    NoSuchAccount,
    OwnParent,
)
from domain.details import CannotBeEmptied, SaidAndEmptied
from domain.members import MemberAdded
from domain.money import CurrencyMissing
from tests.given import STREAM, given, on

ADA, GRACE, HOLDING = UUID(int=101), UUID(int=102), UUID(int=103)
ACME = AccountOpened(name="Acme", industry="retail", city="Oslo", owner=ADA)


def test_an_account_is_opened_with_all_that_is_known() -> None:
    given(on(ADA, MemberAdded(name="Ada")), on(HOLDING, AccountOpened(name="Holding"))).when(
        OpenAccount(
            account=STREAM,
            name=" Acme ",
            revenue=Decimal("1.5"),
            revenue_currency="EUR",
            parent=HOLDING,
            owner=ADA,
        )
    ).then(
        AccountOpened(
            name="Acme",
            revenue=Decimal("1.5"),
            revenue_currency="EUR",
            parent=HOLDING,
            owner=ADA,
        )
    ).concerning(STREAM)


def test_opening_twice_is_opening_once() -> None:
    given(ACME).when(
        OpenAccount(account=STREAM, name="Acme", industry="retail", city="Oslo", owner=ADA)
    ).then()


def test_opening_with_less_than_is_known_changes_nothing() -> None:
    given(ACME).when(OpenAccount(account=STREAM, name="Acme")).then()


def test_another_account_cannot_take_the_place_of_one() -> None:
    given(ACME).when(OpenAccount(account=STREAM, name="Acne")).refused(AccountExists, name="Acme")


def test_an_account_belongs_to_another_one() -> None:
    itself = OpenAccount(account=STREAM, name="Acme", parent=STREAM)
    given().when(itself).refused(OwnParent)
    given(ACME).when(ChangeAccount(account=STREAM, parent=STREAM)).refused(OwnParent)


def test_revenue_is_in_a_currency() -> None:
    given().when(OpenAccount(account=STREAM, name="Acme", revenue=Decimal(1))).refused(
        CurrencyMissing
    )
    given(ACME).when(ChangeAccount(account=STREAM, revenue=Decimal(1))).refused(CurrencyMissing)


def test_revenue_keeps_the_currency_it_has() -> None:
    acme = AccountOpened(name="Acme", revenue=Decimal(1), revenue_currency="EUR")
    given(acme).when(ChangeAccount(account=STREAM, revenue=Decimal(2))).then(
        AccountDetailsChanged(revenue=Decimal(2))
    )
    given(acme).when(ChangeAccount(account=STREAM, cleared=("revenue_currency",))).refused(
        CurrencyMissing
    )


def test_a_change_says_only_what_is_new() -> None:
    given(ACME).when(ChangeAccount(account=STREAM, city="Bergen", industry="retail")).then(
        AccountDetailsChanged(city="Bergen")
    )


def test_a_change_to_what_is_there_is_none() -> None:
    given(ACME).when(ChangeAccount(account=STREAM, city="Oslo", cleared=("region",))).then()


def test_a_field_is_emptied_by_name() -> None:
    given(ACME).when(ChangeAccount(account=STREAM, cleared=("city", "region"))).then(
        AccountDetailsChanged(cleared=("city",))
    )


@pytest.mark.parametrize("field", ["name", "owner", "version", "cleared"])
def test_some_fields_cannot_be_emptied(field: str) -> None:
    given(ACME).when(ChangeAccount(account=STREAM, cleared=(field,))).refused(
        CannotBeEmptied, name=field
    )


def test_a_field_is_not_filled_and_emptied_at_once() -> None:
    both = ChangeAccount(account=STREAM, city="Bergen", cleared=("city",))
    given(ACME).when(both).refused(SaidAndEmptied, name="city")


def test_what_was_wrong_is_corrected_not_changed() -> None:
    given(ACME).when(CorrectAccount(account=STREAM, name="ACME Ltd", city="Oslo")).then(
        AccountDetailsCorrected(name="ACME Ltd")
    )


def test_later_changes_build_on_earlier_ones() -> None:
    moved = AccountDetailsChanged(city="Bergen")
    given(ACME, moved).when(ChangeAccount(account=STREAM, city="Bergen")).then()
    given(ACME, moved).when(ChangeAccount(account=STREAM, city="Oslo")).then(
        AccountDetailsChanged(city="Oslo")
    )


def test_an_account_is_handed_over_once() -> None:
    given(ACME).when(AssignAccount(account=STREAM, owner=GRACE)).then(AccountAssigned(owner=GRACE))
    given(ACME).when(AssignAccount(account=STREAM, owner=ADA)).then()
    given(ACME, AccountAssigned(owner=GRACE)).when(AssignAccount(account=STREAM, owner=ADA)).then(
        AccountAssigned(owner=ADA)
    )


@pytest.mark.parametrize(
    "command",
    [
        ChangeAccount(account=STREAM, city="Oslo"),
        CorrectAccount(account=STREAM, city="Oslo"),
        AssignAccount(account=STREAM, owner=ADA),
    ],
)
def test_an_account_that_is_not_there_does_not_change(
    command: ChangeAccount | CorrectAccount | AssignAccount,
) -> None:
    given().when(command).refused(NoSuchAccount)


def test_who_saw_an_old_version_hears_of_it() -> None:
    moved = AccountDetailsChanged(city="Bergen")
    given(ACME, moved).when(ChangeAccount(account=STREAM, city="Rome"), seen=1).conflicts()
    given(ACME, moved).when(ChangeAccount(account=STREAM, city="Rome"), seen=2).then(
        AccountDetailsChanged(city="Rome")
    )


def test_limits_of_the_input() -> None:
    for wrong in ({"employees": -1}, {"founded": 0}, {"revenue_currency": "euro"}, {"name": " "}):
        with pytest.raises(ValidationError):
            OpenAccount.model_validate({"name": "Acme", **wrong})

"""Products: listed, repriced, retired."""

from __future__ import annotations

from decimal import Decimal

import pytest

from commands.products import AddProduct, ChangePrice, ChangeProduct, RetireProduct
from commands.registry import Command
from domain.money import CurrencyMissing
from domain.products import (
    NoSuchProduct,
    ProductAdded,
    ProductDetailsChanged,
    ProductExists,
    ProductIsRetired,
    ProductPriceChanged,
    ProductRetired,
)
from tests.given import STREAM, given

LAMP = ProductAdded(name="Lamp", family="light", list_price=Decimal(50), currency="EUR")


def test_a_product_is_added_once() -> None:
    ask = AddProduct(
        product=STREAM, name="Lamp", family="light", list_price=Decimal(50), currency="EUR"
    )
    given().when(ask).then(LAMP)
    given(LAMP).when(ask).then()


def test_another_product_cannot_take_the_place_of_one() -> None:
    given(LAMP).when(AddProduct(product=STREAM, name="Torch")).refused(ProductExists, name="Lamp")


def test_a_price_is_in_a_currency() -> None:
    given().when(AddProduct(product=STREAM, name="Lamp", list_price=Decimal(1))).refused(
        CurrencyMissing
    )


def test_a_change_says_only_what_is_new() -> None:
    given(LAMP).when(
        ChangeProduct(product=STREAM, name="Lamp", code="L1", cleared=("family",))
    ).then(ProductDetailsChanged(code="L1", cleared=("family",)))
    given(LAMP).when(ChangeProduct(product=STREAM, name="Lamp")).then()


def test_a_price_changes_if_it_is_another_one() -> None:
    given(LAMP).when(ChangePrice(product=STREAM, list_price=Decimal(60), currency="EUR")).then(
        ProductPriceChanged(list_price=Decimal(60), currency="EUR")
    )
    given(LAMP).when(ChangePrice(product=STREAM, list_price=Decimal("50.0"), currency="EUR")).then()


def test_a_product_is_retired_once() -> None:
    given(LAMP).when(RetireProduct(product=STREAM)).then(ProductRetired())
    given(LAMP, ProductRetired()).when(RetireProduct(product=STREAM)).then()


CHANGES = [
    ChangeProduct(product=STREAM, name="Torch"),
    ChangePrice(product=STREAM, list_price=Decimal(60), currency="EUR"),
]


@pytest.mark.parametrize("command", CHANGES)
def test_a_retired_product_stays_as_it_was(command: Command) -> None:
    given(LAMP, ProductRetired()).when(command).refused(ProductIsRetired)


@pytest.mark.parametrize("command", [*CHANGES, RetireProduct(product=STREAM)])
def test_a_product_that_is_not_there_does_not_change(command: Command) -> None:
    given().when(command).refused(NoSuchProduct)


def test_who_saw_an_old_version_hears_of_it() -> None:
    coded = ProductDetailsChanged(code="L1")
    given(LAMP, coded).when(RetireProduct(product=STREAM), seen=1).conflicts()

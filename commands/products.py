"""What one may ask of a product."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from commands.desk import Desk
from commands.facts import fact_of
from commands.fields import Amount, Cleared, Currency, Name
from commands.registry import Command, handles
from domain import products
from domain.kernel import new_id
from domain.products import PRODUCT, ProductAdded, ProductDetailsChanged, ProductPriceChanged


class ProductDetails(Command):
    """What can be said of a product."""

    name: Name | None = None
    code: Name | None = None
    family: Name | None = None
    external_id: Name | None = None


class AddProduct(ProductDetails, name="add-product"):
    """Adds a product to what we sell."""

    product: UUID = Field(default_factory=new_id)
    name: Name
    list_price: Amount | None = None
    currency: Currency | None = None


class ChangeProduct(ProductDetails, name="change-product"):
    """Changes the details of a product."""

    product: UUID
    cleared: Cleared = ()


class ChangePrice(Command, name="change-price"):
    """Lists a product at another price."""

    product: UUID
    list_price: Amount
    currency: Currency


class RetireProduct(Command, name="retire-product"):
    """Says that a product is no longer sold."""

    product: UUID


@handles(AddProduct)
def add_product(ask: AddProduct, desk: Desk) -> None:
    fact = fact_of(ProductAdded, ask)
    desk.change(PRODUCT, ask.product, lambda it: products.add(it, fact))


@handles(ChangeProduct)
def change_product(ask: ChangeProduct, desk: Desk) -> None:
    fact = fact_of(ProductDetailsChanged, ask)
    desk.change(PRODUCT, ask.product, lambda it: products.change_details(it, fact))


@handles(ChangePrice)
def change_price(ask: ChangePrice, desk: Desk) -> None:
    fact = fact_of(ProductPriceChanged, ask)
    desk.change(PRODUCT, ask.product, lambda it: products.change_price(it, fact))


@handles(RetireProduct)
def retire_product(ask: RetireProduct, desk: Desk) -> None:
    desk.change(PRODUCT, ask.product, products.retire)

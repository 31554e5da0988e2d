"""A product: what we sell, with the price that it is listed at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from domain.details import differs, learned, news
from domain.kernel import Aggregate, Event, Refused, event
from domain.money import check_money

# --- Events: stored as written; change them only by adding a version.


class ProductDetails(Event):
    """What the events of a product have in common; no fact by itself."""

    name: str | None = None
    code: str | None = None
    family: str | None = None
    external_id: str | None = None


@event("product.added", summary="added the product “{name}”")
class ProductAdded(ProductDetails):
    name: str
    list_price: Decimal | None = None
    currency: str | None = None


@event("product.details_changed", summary="changed details")
class ProductDetailsChanged(ProductDetails):
    cleared: tuple[str, ...] = ()


@event("product.price_changed", summary="listed at {list_price} {currency}")
class ProductPriceChanged(Event):
    list_price: Decimal
    currency: str


@event("product.retired", summary="retired")
class ProductRetired(Event):
    pass


ProductEvent = ProductAdded | ProductDetailsChanged | ProductPriceChanged | ProductRetired

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Product:
    known: ProductAdded | None = None
    """As if added today."""
    retired: bool = False


def evolve(it: Product, fact: ProductEvent) -> Product:
    match fact:
        case ProductAdded():
            return Product(fact)
        case ProductDetailsChanged() | ProductPriceChanged():
            return replace(it, known=learned(it.known, fact))
        case ProductRetired():
            return replace(it, retired=True)
        case _:
            assert_never(fact)


PRODUCT = Aggregate("product", Product(), evolve)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchProduct(Refused):
    """There is no such product."""


class ProductExists(Refused):
    """This product is there already, under the name “{name}”."""


class ProductIsRetired(Refused):
    """A retired product stays as it was."""


def add(it: Product, fact: ProductAdded) -> list[ProductEvent]:
    if it.known is not None:
        if differs(it.known, fact):
            raise ProductExists(name=it.known.name)
        return []
    check_money(fact.list_price, fact.currency)
    return [fact]


def change_details(it: Product, fact: ProductDetailsChanged) -> list[ProductEvent]:
    return [*news(_must_be_sold(it), fact)]


def change_price(it: Product, fact: ProductPriceChanged) -> list[ProductEvent]:
    return [fact] if differs(_must_be_sold(it), fact) else []


def retire(it: Product) -> list[ProductEvent]:
    if it.retired:
        return []
    _must_be_sold(it)
    return [ProductRetired()]


def _must_be_sold(it: Product) -> ProductAdded:
    if it.known is None:
        raise NoSuchProduct
    if it.retired:
        raise ProductIsRetired
    return it.known

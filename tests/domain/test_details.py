"""How details change: what is said, what is emptied, what is new."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.details import CannotBeEmptied, SaidAndEmptied, differs, learned, news, said
from domain.products import ProductAdded, ProductDetailsChanged, ProductPriceChanged

LAMP = ProductAdded(name="Lamp", code="L1")

words = st.sampled_from(["Lamp", "L1", "light"])
changes = st.builds(
    ProductDetailsChanged, name=st.none() | words, code=st.none() | words, family=st.none() | words
)
records = st.builds(ProductAdded, name=words, code=st.none() | words, family=st.none() | words)


def test_a_fact_speaks_of_what_it_gives_and_what_it_empties() -> None:
    fact = ProductDetailsChanged(family="light", cleared=("code",))
    assert said(fact, ProductAdded) == {"family": "light", "code": None}


def test_what_a_fact_cannot_empty_it_does_not_speak_of() -> None:
    fact = ProductDetailsChanged(cleared=("name", "list_price", "nonsense", "cleared"))
    assert said(fact, ProductAdded) == {}


def test_nothing_is_learned_of_what_is_not_there() -> None:
    assert learned(None, ProductDetailsChanged(name="Torch")) is None


@given(records, changes)
def test_what_was_learned_is_no_news(known: ProductAdded, change: ProductDetailsChanged) -> None:
    for fact in news(known, change):
        assert learned(known, fact) == learned(known, change)
    after = learned(known, change)
    assert news(after, change) == []
    assert differs(after, change) == {}


@given(records, st.sets(st.sampled_from(["code", "family"])))
def test_what_was_emptied_is_empty(known: ProductAdded, names: set[str]) -> None:
    change = ProductDetailsChanged(cleared=tuple(names))
    after = learned(known, change)
    assert all(getattr(after, name) is None for name in names)
    assert news(after, change) == []


def test_only_what_can_be_emptied_is_emptied() -> None:
    with pytest.raises(CannotBeEmptied) as no:
        news(LAMP, ProductDetailsChanged(cleared=("name",)))
    assert str(no.value) == (
        "“name” cannot be emptied. These fields can: code, external_id, family."
    )


def test_a_field_is_not_filled_and_emptied_at_once() -> None:
    with pytest.raises(SaidAndEmptied):
        news(LAMP, ProductDetailsChanged(code="L2", cleared=("code",)))


def test_an_event_without_emptied_fields_is_news_as_well() -> None:
    price = ProductPriceChanged(list_price=1, currency="EUR")  # type: ignore[arg-type]
    assert differs(LAMP, price) == {"list_price": 1, "currency": "EUR"}

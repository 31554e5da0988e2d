"""What rows look like to SQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

import projections  # noqa: F401  # fills the register of views
from domain.kernel import Personal
from projections.columns import Columns, columns_of
from projections.kit import VIEWS, View


@pytest.mark.parametrize("view", VIEWS.values(), ids=lambda view: view.name)
def test_every_view_has_columns_and_its_key_is_never_empty(view: View[Any]) -> None:
    columns = columns_of(view.row)
    assert columns.names == view.row.__struct_fields__
    assert not [name for name in view.key if columns.by_name[name].nullable]


class Noted(msgspec.Struct):
    note: Personal[str] | None
    ids: tuple[UUID, ...]
    amounts: dict[str, Decimal]


def test_types_are_found_behind_marks_and_none() -> None:
    columns = columns_of(Noted)
    assert [(c.name, c.type, c.nullable, c.is_list) for c in columns.all] == [
        ("note", "text", True, False),
        ("ids", "jsonb", False, True),
        ("amounts", "jsonb", False, False),
    ]


@pytest.mark.parametrize("text", ["\0", "a\\\0", "a\\u0000", "\\\\u0000\0", "\\\\\0"])
def test_a_nul_is_replaced_and_nothing_else(text: str) -> None:
    columns = columns_of(Noted)
    note, ids, amounts = columns.values(Noted(text, (), {text: Decimal("1.50")}))
    expected = text.replace("\0", "\ufffd")
    assert note == expected
    back = columns.row([note, ids.dumps(ids.obj), amounts.dumps(amounts.obj)])
    assert back == Noted(expected, (), {expected: Decimal("1.50")})


def test_a_field_without_a_column_type_is_named() -> None:
    class Odd(msgspec.Struct):
        thing: object

    with pytest.raises(TypeError, match="'thing'"):
        Columns(Odd)

"""What every view is made of: the rows it keeps, whose row an event touches, and a fold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from domain.kernel import Event, Recorded

Row = TypeVar("Row", bound=msgspec.Struct)
Key = tuple[Any, ...]
"""The values of a row's key fields, in the order of ``View.key``."""


class View(Generic[Row]):
    """A fold onto rows. Where the rows live is not its business: a table, memory, the past.

    The fields of ``row`` become the columns of its table: UUID, str, int, bool, Decimal, float,
    date and datetime as themselves, tuples, dicts and structs as JSON, ``| None`` as nullable.
    """

    name: ClassVar[str]
    """Of the view and its table."""
    version: ClassVar[int]
    """To be raised with each change of rows or fold: a raised one is rebuilt beside the old."""
    row: ClassVar[type[msgspec.Struct]]
    key: ClassVar[tuple[str, ...]] = ("id",)
    """The fields of the row that tell it from others."""
    reads: ClassVar[tuple[type[Event], ...]]
    """The events that it folds."""
    ignores: ClassVar[tuple[type[Event], ...]] = ()
    """Events of the same nouns that it leaves out on purpose."""
    personal: ClassVar[tuple[str, ...]] = ()
    """Columns that hold what is personal under a name that is not the event's. A row of a view
    with personal columns is made of the events of one stream, so that it can be made anew."""
    indexes: ClassVar[tuple[str, ...]] = ()
    """Column lists in SQL: ``"owner, stage"``; for what a list holds ``"USING gin (contacts)"``."""

    def keys(self, it: Recorded[Any]) -> Iterable[Key]:
        """The rows that this event touches; by default the one of its stream."""
        return ((it.stream,),)

    def evolve(self, row: Row | None, it: Recorded[Any], key: Key) -> Row | None:
        """The row of that key after the event; None where it is gone. Total: it never refuses."""
        raise NotImplementedError

    @property
    def personal_columns(self) -> frozenset[str]:
        """The columns that hold what is personal. The database keeps no statistics of them."""
        fields = {name for cls in self.reads for name in cls.__event__.personal_fields}
        return frozenset({*self.personal, *fields & {*self.row.__struct_fields__}})

    @property
    def names(self) -> frozenset[str]:
        """The names of the events that it folds."""
        return frozenset(cls.__event__.name for cls in self.reads)


VIEWS: dict[str, View[Any]] = {}
"""Every view there is, by name."""

ViewClass = TypeVar("ViewClass", bound=type[View[Any]])


def view(cls: ViewClass) -> ViewClass:
    """Registers a view.

    Raises:
        TypeError: two views have one name.
    """
    if cls.name in VIEWS:
        raise TypeError(f"two views are named {cls.name!r}")
    VIEWS[cls.name] = cls()
    return cls

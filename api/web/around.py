"""What hangs together with a customer: rows of views, as they are now or as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.main import Workspace
from domain.kernel import Cut, Recorded
from event_store.store import EventStore
from projections import questions
from projections.kit import VIEWS
from replay import history
from replay.folding import advance
from replay.shelves import MemoryShelf

LINKED_MAX = 1_000
"""The most rows of a kind that are looked at for one customer."""
FACTS_MAX = 10_000
"""How far back a timeline counts and searches."""

CUSTOMER_FIELDS = {
    "account": {
        "contacts": "accounts",
        "opportunities": "account",
        "orders": "account",
        "cases": "account",
        "tasks": "account",
    },
    "contact": {
        "opportunities": "contacts",
        "orders": "contact",
        "cases": "contact",
        "tasks": "contact",
    },
}
"""By noun of the customer and view: the field that names the customer."""

NEWEST = {
    "opportunities": "changed_at DESC",
    "orders": "placed_at DESC",
    "cases": "opened_at DESC",
    "tasks": "due DESC",
    "contacts": "last_name, first_name",
}


@dataclass(frozen=True, slots=True)
class Around:
    """A customer with the rows that name them, and what the log tells of them."""

    row: Any
    facts: list[Recorded[Any]]
    """Newest first."""
    rows: Mapping[str, list[Any]]
    position: int


def around(workspace: Workspace, noun: str, customer: UUID, cut: Cut) -> Around | None:
    """Everything about a customer at a cut; None where there is, or was, no such one."""
    if not cut.is_now:
        return _then(workspace.store, noun, customer, cut)
    with workspace.rows.connection() as conn:
        return _now(workspace.store, conn, noun, customer)


def _now(store: EventStore, conn: Connection[Any], noun: str, customer: UUID) -> Around | None:
    views = [f"{noun}s", *CUSTOMER_FIELDS[noun]]
    position = questions.position(conn, *views)
    row = questions.get(conn, f"{noun}s", customer)
    if row is None:
        return None
    rows = {
        view: questions.select(conn, view, {name: customer}, order=NEWEST[view], limit=LINKED_MAX)
        for view, name in CUSTOMER_FIELDS[noun].items()
    }
    return Around(row, store.by_subject(customer, limit=FACTS_MAX), rows, position)


def _then(store: EventStore, noun: str, customer: UUID, cut: Cut) -> Around | None:
    row = history.row_as_of(store, VIEWS[f"{noun}s"], customer, cut)
    if row is None:
        return None
    facts = store.by_subject(customer, cut=cut)
    rows = {
        view: _folded(store, view, name, customer, facts, cut)
        for view, name in CUSTOMER_FIELDS[noun].items()
    }
    return Around(row, facts[::-1][:FACTS_MAX], rows, store.head())


def _folded(
    store: EventStore, view: str, name: str, customer: UUID, facts: list[Recorded[Any]], cut: Cut
) -> list[Any]:
    """The rows of a view that named the customer: their records all left a fact with them."""
    reads = VIEWS[view].reads
    streams = {it.stream for it in facts if isinstance(it.event, reads)}
    shelf = MemoryShelf()
    for events in store.read_many(streams).values():
        advance(
            VIEWS[view],
            [it for it in events if isinstance(it.event, reads) and cut.holds(it)],
            shelf,
        )
    found = [row for row in shelf.rows.values() if _names(getattr(row, name), customer)]
    return sorted(found, key=lambda row: row.changed_at, reverse=True)


def _names(value: Any, customer: UUID) -> bool:
    return customer in value if isinstance(value, tuple) else bool(value == customer)

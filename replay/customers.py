"""A customer all round: everybody who belongs to them, the records that name any of these, and
how things stand. Now, from the views; or as of a cut, from the log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.kernel import NOW, Cut, Recorded
from event_store.store import EventStore
from projections import questions
from projections.cases import DONE
from projections.kit import VIEWS
from projections.sums import Tally, tally
from projections.tasks import TaskRow
from replay import history
from replay.folding import advance
from replay.shelves import MemoryShelf

CIRCLE_MAX = 1_000
"""The most contacts, and the most leads, that belong to one customer; the oldest ids count."""
LINKED_MAX = 5_000
"""The most records of a kind that are looked at for one customer."""
FACTS_MAX = 50_000
"""How many facts are gone through for the records that named a customer; the newest count."""

CUSTOMERS = ("account", "contact")
"""The nouns that can be looked at all round."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the records of a view name a customer, and which of too many are kept."""

    names: tuple[str, ...]
    order: str


LINKED = {
    # What is won or open comes before what is lost; what is open before what is over.
    "opportunities": _Kind(("account", "contacts", "lead"), "status DESC, changed_at DESC"),
    "tasks": _Kind(("account", "contact", "lead"), "status DESC, due"),
    "cases": _Kind(("account", "contact"), "opened_at DESC"),
    "orders": _Kind(("account", "contact"), "placed_at DESC"),
}
"""By view: the records that are linked with a customer. Contacts are, with an account."""
_TALKS = _Kind(("account", "contact", "lead"), "occurred_at DESC")
_OVER_BY = {"opportunities": "changed_at", "tasks": "due"}
"""By which field those that are over are the newest."""
CIRCLE_VIEWS = ("contacts", "leads")
READ = ("accounts", *CIRCLE_VIEWS, *LINKED, "interactions")
"""The views that are read for a customer as they are now."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A customer and everybody whose past is theirs: an account has its contacts, and a contact
    the leads that became them."""

    customer: UUID
    contacts: tuple[UUID, ...] = ()
    """Of an account."""
    leads: tuple[UUID, ...] = ()
    is_whole: bool = True
    """False where there are more than ``CIRCLE_MAX`` of a kind."""

    @property
    def everyone(self) -> tuple[UUID, ...]:
        return (self.customer, *self.contacts, *self.leads)


@dataclass(frozen=True, slots=True)
class Figures:
    """How things stand with a customer."""

    open_tasks: int
    open_cases: int
    open_opportunities: Tally
    won: Tally
    ordered: Tally
    """Orders, with what was not returned."""
    next_step: TaskRow | None
    """The open task that is due next, or was due first."""
    talks: int
    """Interactions, counted up to ``questions.COUNT_MAX``."""
    last_talk: datetime | None


@dataclass(frozen=True, slots=True)
class Around:
    """A customer with the records that name anyone of their circle, each once."""

    row: Any
    circle: Circle
    rows: Mapping[str, list[Any]]
    """By view; what is pressing first, then what is newest."""
    cut_short: frozenset[str]
    """The views of which there are more rows than were looked at."""
    figures: Figures
    position: int


def now(conn: Connection[Any], noun: str, customer: UUID) -> Around | None:
    """A customer as the views show them; None where there is no such one.

    Raises:
        ViewNotReady: a view has not been made yet.
    """
    position = questions.position(conn, *READ)
    row = questions.get(conn, f"{noun}s", customer)
    if row is None:
        return None
    circle, people = _circle_now(conn, noun, customer)
    rows = {
        view: questions.select(conn, view, _naming(kind, circle), kind.order, limit=LINKED_MAX + 1)
        for view, kind in LINKED.items()
    }
    naming = _naming(_TALKS, circle)
    talks = questions.count(conn, "interactions", naming)
    last = questions.select(conn, "interactions", naming, _TALKS.order, limit=1)
    found = _Found(row, circle, people if noun == "account" else None, rows)
    return _around(found, talks, last, position)


def then(store: EventStore, noun: str, customer: UUID, cut: Cut) -> Around | None:
    """A customer as of a cut; None where there was no such one."""
    position = store.head()
    row = history.row_as_of(store, VIEWS[f"{noun}s"], customer, cut)
    if row is None:
        return None
    circle, people = _circle_then(store, noun, customer, cut)
    facts = store.by_subject(*circle.everyone, cut=cut, limit=FACTS_MAX)
    rows = {
        view: _sorted(_named(store, view, kind, circle, facts, cut), kind.order)
        for view, kind in LINKED.items()
    }
    talks = _sorted(_named(store, "interactions", _TALKS, circle, facts, cut), _TALKS.order)
    found = _Found(row, circle, people if noun == "account" else None, rows)
    is_whole = len(facts) < FACTS_MAX
    return _around(
        found, min(len(talks), questions.COUNT_MAX), talks[:1], position, is_whole=is_whole
    )


def circle_now(conn: Connection[Any], noun: str, customer: UUID) -> Circle:
    """Who belongs to a customer, as the views show it.

    Raises:
        ViewNotReady: a view has not been made yet.
    """
    return _circle_now(conn, noun, customer)[0]


def circle_then(store: EventStore, noun: str, customer: UUID, cut: Cut) -> Circle:
    """Who belonged to a customer as of a cut."""
    return _circle_then(store, noun, customer, cut)[0]


def facts(
    store: EventStore, circle: Circle, cut: Cut = NOW, before: int | None = None, limit: int = 50
) -> list[Recorded[Any]]:
    """The newest facts about anyone of a circle below a position, newest first."""
    return store.by_subject(*circle.everyone, cut=cut, before=before, limit=limit)


def figures(rows: Mapping[str, Sequence[Any]], talks: int, last_talk: datetime | None) -> Figures:
    """How things stand, from the records of a circle. Pure."""
    deals, orders = rows["opportunities"], rows["orders"]
    tasks = [row for row in rows["tasks"] if row.status == "open"]
    return Figures(
        open_tasks=len(tasks),
        open_cases=sum(row.phase not in DONE for row in rows["cases"]),
        open_opportunities=tally([row for row in deals if row.status == "open"]),
        won=tally([row for row in deals if row.status == "won"]),
        ordered=tally(orders, amount="net"),
        next_step=min(tasks, key=attrgetter("due", "id"), default=None),
        talks=talks,
        last_talk=last_talk,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What the views or the log hold of a customer, with one row too many where there are more."""

    row: Any
    circle: Circle
    people: list[Any] | None
    """The contacts of an account."""
    rows: Mapping[str, list[Any]]


def _around(
    found: _Found, talks: int, last: Sequence[Any], position: int, *, is_whole: bool = True
) -> Around:
    short = {v for v, rows in found.rows.items() if len(rows) > LINKED_MAX or not is_whole}
    rows = {view: _pressing_first(view, rows[:LINKED_MAX]) for view, rows in found.rows.items()}
    if found.people is not None:
        rows = {"contacts": _by_name(found.people), **rows}
        short |= set() if found.circle.is_whole else {"contacts"}
    last_talk = last[0].occurred_at if last else None
    return Around(
        row=found.row,
        circle=found.circle,
        rows=rows,
        cut_short=frozenset(short),
        figures=figures(rows, talks, last_talk),
        position=position,
    )


def _circle_now(conn: Connection[Any], noun: str, customer: UUID) -> tuple[Circle, list[Any]]:
    """The circle, with the contacts of an account."""
    people: list[Any] = []
    if noun == "account":
        people = questions.select(
            conn, "contacts", {"accounts": [customer]}, "id", limit=CIRCLE_MAX + 1
        )
    persons = _persons(noun, customer, people)
    leads = questions.select(conn, "leads", {"contact": persons}, "id", limit=CIRCLE_MAX + 1)
    return _circle(customer, people, leads), people[:CIRCLE_MAX]


def _circle_then(
    store: EventStore, noun: str, customer: UUID, cut: Cut
) -> tuple[Circle, list[Any]]:
    people: list[Any] = []
    if noun == "account":
        about = store.by_subject(customer, cut=cut, limit=FACTS_MAX)
        known = _folded(store, "contacts", about, cut)
        people = _sorted((row for row in known if customer in row.accounts), "id")
    persons = _persons(noun, customer, people)
    about = store.by_subject(*persons, cut=cut, limit=FACTS_MAX)
    became = {*persons}
    leads = _sorted(
        (row for row in _folded(store, "leads", about, cut) if row.contact in became), "id"
    )
    return _circle(customer, people, leads), people[:CIRCLE_MAX]


def _persons(noun: str, customer: UUID, people: Sequence[Any]) -> list[UUID]:
    if noun == "contact":
        return [customer]
    return [row.id for row in people[:CIRCLE_MAX]]


def _circle(customer: UUID, people: Sequence[Any], leads: Sequence[Any]) -> Circle:
    contacts, were = (tuple(row.id for row in rows[:CIRCLE_MAX]) for rows in (people, leads))
    return Circle(customer, contacts, were, max(len(people), len(leads)) <= CIRCLE_MAX)


def _naming(kind: _Kind, circle: Circle) -> list[questions.Where]:
    return [{name: circle.everyone} for name in kind.names]


def _named(
    store: EventStore,
    view: str,
    kind: _Kind,
    circle: Circle,
    about: Sequence[Recorded[Any]],
    cut: Cut,
) -> list[Any]:
    """The rows of a view that named anyone of the circle."""
    everyone = {*circle.everyone}
    return [
        row
        for row in _folded(store, view, about, cut)
        if any(_holds(getattr(row, name), everyone) for name in kind.names)
    ]


def _folded(
    store: EventStore, view: str, about: Sequence[Recorded[Any]], cut: Cut
) -> Collection[Any]:
    """The rows as of the cut of all records that left one of the facts: whoever a record named,
    it named them in a fact that concerns them."""
    reads = VIEWS[view].reads
    shelf = MemoryShelf()
    streams = {it.stream for it in about if isinstance(it.event, reads)}
    for events in store.read_many(streams).values():
        held = [it for it in events if isinstance(it.event, reads) and cut.holds(it)]
        advance(VIEWS[view], held, shelf)
    return shelf.rows.values()


def _holds(value: Any, everyone: Collection[UUID]) -> bool:
    return any(one in everyone for one in value) if isinstance(value, tuple) else value in everyone


def _sorted(rows: Iterable[Any], order: str) -> list[Any]:
    """As views order rows by fields that are always set."""
    found = sorted(rows, key=attrgetter("id"))
    for part in reversed(order.split(", ")):
        name, _, way = part.partition(" ")
        found.sort(key=attrgetter(name), reverse=way == "DESC")
    return found


def _by_name(people: Iterable[Any]) -> list[Any]:
    return sorted(
        people,
        key=lambda it: ((it.last_name or "").casefold(), (it.first_name or "").casefold(), it.id),
    )


def _pressing_first(view: str, rows: list[Any]) -> list[Any]:
    """What is open comes before what is over, of which the newest comes first."""
    if view == "cases":
        return sorted(rows, key=lambda row: row.phase in DONE)
    if view not in _OVER_BY:
        return rows
    over = [row for row in rows if row.status != "open"]
    over.sort(key=attrgetter(_OVER_BY[view]), reverse=True)
    return [row for row in rows if row.status == "open"] + over

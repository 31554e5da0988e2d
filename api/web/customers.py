"""An account or a contact all round, as it is shown. Pure: from rows and facts to a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from api.web import story, words
from api.web.pages import Past
from api.web.story import Names
from domain.kernel import Recorded
from projections.sums import Sum
from replay.customers import Around

SHOWN_MAX = 6
"""How many rows of a kind the page of a customer shows; the rest is counted."""
LINES_MAX = 30
"""How many facts one look at a timeline shows."""

UNTOLD = frozenset(
    {
        "id",
        "version",
        "name",
        "first_name",
        "last_name",
        "accounts",
        "changed_at",
        "erased_at",
        "revenue_currency",
    }
    | {"street", "city", "region", "postal_code", "country"}
)
"""Fields of a customer that the page tells elsewhere or in another way."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that says how things stand with a customer."""

    label: str
    text: str = ""
    sums: tuple[Sum, ...] | None = None
    moment: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A field with its value in words."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """A record that hangs together with the customer."""

    name: str
    state: str
    signal: str = ""
    href: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Linked records of a kind."""

    key: str
    title: str
    none: str
    count: int
    rows: tuple[Linked, ...]

    @property
    def more(self) -> int:
        return self.count - len(self.rows)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Facts as lines, with how many there are of each kind."""

    lines: tuple[story.Line, ...]
    months: tuple[str, ...]
    """For each line the month that it begins, if it does."""
    counts: Mapping[str, int]
    total: int
    category: str
    before: int | None
    """The position of the last fact shown; none where there are no older ones."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The page of an account or a contact."""

    id: UUID
    noun: str
    name: str
    subtitle: tuple[str, ...]
    employer: Told | None
    tiles: tuple[Tile, ...]
    about: tuple[Told, ...]
    linked: tuple[Group, ...]
    position: int
    erased_at: datetime | None = None
    """When they were forgotten."""

    @property
    def path(self) -> str:
        return f"/{self.noun}s/{self.id}"


def customer(noun: str, around: Around, names: Names, past: Past) -> Customer:
    """Everything about a customer but the timeline."""
    row = around.row
    employer = row.account if noun == "contact" else None
    return Customer(
        id=row.id,
        noun=noun,
        name=name_of(noun, row),
        subtitle=_subtitle(noun, row),
        employer=_told_record("Account", employer, names, past) if employer else None,
        tiles=_tiles(around, past),
        about=_about(row, names, past),
        linked=tuple(_groups(around, past)),
        position=around.position,
        erased_at=getattr(row, "erased_at", None),
    )


def name_of(noun: str, row: Any) -> str:
    """What a customer is called."""
    if noun == "account":
        return str(row.name)
    full = " ".join(part for part in (row.first_name, row.last_name) if part)
    if not full and row.erased_at is not None:
        return "An erased contact"
    return full or row.email or row.external_id or "A contact without a name"


def ids_in(around: Around) -> set[UUID]:
    """The records that the page of a customer names, apart from its timeline."""
    row = around.row
    fields = (getattr(row, name) for name in row.__struct_fields__)
    return {value for value in fields if isinstance(value, UUID)}


def _subtitle(noun: str, row: Any) -> tuple[str, ...]:
    account = noun == "account"
    parts = [row.industry, row.city, row.country] if account else [row.title, row.department]
    return tuple(part for part in parts if part)


def _told_record(label: str, record: UUID, names: Names, past: Past) -> Told:
    named = names.get(record)
    if named is None:
        return Told(label, "not known here")
    href = past.link(f"/{named.noun}s/{record}") if named.noun in ("account", "contact") else ""
    return Told(label, named.label, href)


def _about(row: Any, names: Names, past: Past) -> tuple[Told, ...]:
    """Every field that is known, in the order of the row."""
    told = [_told(row, name, names, past) for name in row.__struct_fields__ if name not in UNTOLD]
    return (
        *filter(None, told),
        *_address(row),
        Told("Last change", words.at_length(row.changed_at)),
    )


def _told(row: Any, name: str, names: Names, past: Past) -> Told | None:
    value, label = getattr(row, name), words.label(name)
    match value:
        case None:
            return None
        case UUID():
            return _told_record(label, value, names, past)
        case Decimal():
            return Told(label, str(words.money(value, row.revenue_currency)))
        case bool():
            return Told(label, "yes" if value else "no")
        case datetime() | date():
            return Told(label, words.at_length(value))
        case int() if name == "employees":
            return Told(label, words.number(value))
        case _:
            return Told(label, str(value))


def _address(row: Any) -> tuple[Told, ...]:
    place = " ".join(part for part in (row.postal_code, row.city) if part)
    parts = [part for part in (row.street, place, row.region, row.country) if part]
    return (Told("Address", ", ".join(parts)),) if parts else ()


def _tiles(around: Around, past: Past) -> tuple[Tile, ...]:
    it, cases = around.figures, around.rows["cases"]
    won = words.counted(it.won.count, "opportunity", "opportunities")
    ordered = words.counted(it.ordered.count, "order")
    newest = ", the newest" if "orders" in around.cut_short else ""
    return (
        Tile("Won", sums=it.won.sums, note=won),
        Tile("Open pipeline", sums=it.open_opportunities.sums, note=_next_step(around, past)),
        Tile("Ordered", sums=it.ordered.sums, note=f"{ordered}{newest}"),
        Tile("Open cases", text=words.number(it.open_cases), note=f"of {len(cases)}"),
        Tile("Last talk", text="–", moment=it.last_talk, note=words.counted(it.talks, "time")),
    )


def _next_step(around: Around, past: Past) -> str:
    step = around.figures.next_step
    if step is None:
        return "nothing planned"
    return f"next task {words.in_short(step.due, past.moment)}"


def _groups(around: Around, past: Past) -> Iterable[Group]:
    shown: dict[str, tuple[str, str, Callable[[Any, Past], Linked]]] = {
        "contacts": ("Contacts", "Nobody is known here yet.", _contact),
        "opportunities": ("Opportunities", "Nothing is being sold here.", _opportunity),
        "tasks": ("Tasks", "Nothing is planned.", _task),
        "cases": ("Cases", "Nothing has been asked of us.", _case),
        "orders": ("Orders", "Nothing has been bought.", _order),
    }
    for key, (title, none, link) in shown.items():
        if key in around.rows:
            rows = around.rows[key]
            first = tuple(link(row, past) for row in rows[:SHOWN_MAX])
            yield Group(key, title, none, len(rows), first)


def _contact(row: Any, past: Past) -> Linked:
    state = ", ".join(part for part in (row.title, row.department) if part)
    return Linked(name_of("contact", row), state, href=past.link(f"/contacts/{row.id}"))


def _opportunity(row: Any, past: Past) -> Linked:
    signal = {"won": "won", "lost": "lost"}.get(row.status, "info")
    state = {"won": "won", "lost": f"lost: {row.lost_reason}"}.get(row.status, row.stage)
    is_open = row.status == "open"
    href = f"{past.link(f'/pipeline/{row.pipeline}')}#o-{row.id}" if is_open else ""
    return Linked(row.name, state, signal, href, row.amount, row.currency, row.changed_at)


def _task(row: Any, past: Past) -> Linked:
    late = row.status == "open" and row.due < past.moment
    signal = {"done": "ok", "dropped": "idle"}.get(row.status, "bad" if late else "info")
    state = "overdue" if late else "due" if row.status == "open" else row.status
    return Linked(row.subject, state, signal, moment=row.due)


def _case(row: Any, _: Past) -> Linked:
    signal = {"waiting": "idle", "resolved": "ok", "closed": "ok"}.get(row.phase, "warn")
    return Linked(row.subject, row.phase.replace("_", " "), signal, moment=row.opened_at)


def _order(row: Any, _: Past) -> Linked:
    signal = "idle" if row.status == "placed" else "warn"
    name = f"Order {row.number}" if row.number else "Order"
    return Linked(name, row.status, signal, "", row.net, row.currency, row.placed_at)


def timeline(
    facts: Sequence[Recorded[Any]],
    category: str,
    before: int | None,
    lines_of: Callable[[Sequence[Recorded[Any]]], list[story.Line]],
) -> Timeline:
    """A part of a story, newest first, behind the fact at ``before``; ``lines_of`` puts facts
    into lines."""
    kept = [it for it in facts if not category or story.category_of(it.event) == category]
    kept.sort(key=lambda it: (it.occurred_at, it.position), reverse=True)
    shown = next((n + 1 for n, it in enumerate(kept) if it.position == before), 0)
    older = kept[shown:]
    page = older[:LINES_MAX]
    more = len(older) > LINES_MAX
    return Timeline(
        lines=tuple(lines_of(page)),
        months=months(page),
        counts=story.counts(facts),
        total=len(facts),
        category=category,
        before=page[-1].position if more else None,
    )


def months(facts: Sequence[Recorded[Any]]) -> tuple[str, ...]:
    """For each fact the name of its month, where it is another one than that of the fact before."""
    named = [f"{it.occurred_at:%B %Y}" for it in facts]
    return tuple(month if n == 0 or month != named[n - 1] else "" for n, month in enumerate(named))

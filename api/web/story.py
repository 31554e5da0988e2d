"""Facts as lines of a story: who did what to which record, with names in the place of ids. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from api.web import words
from domain.interactions import InteractionRecorded
from domain.kernel import WITHHELD, Event, Recorded
from domain.notes import NoteRevised, NoteWritten
from domain.orders import OrderPlaced

DETAILS_MAX = 12
"""The most further fields that a line shows."""
NOWHERE = frozenset({"external_id", "cleared", "noun", "about", "lines", "from_stage", "stages"})
"""Fields that say nothing to a reader, or are told by the sentence in another way."""


@dataclass(frozen=True, slots=True)
class Named:
    """A record by its name."""

    noun: str
    label: str


Names = Mapping[UUID, Named]


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of facts that people look for."""

    key: str
    label: str
    nouns: frozenset[str]


CATEGORIES = (
    Category("talk", "Talk", frozenset({"interaction", "note"})),
    Category("sales", "Sales", frozenset({"opportunity", "lead"})),
    Category("orders", "Orders", frozenset({"order"})),
    Category("service", "Service", frozenset({"case"})),
    Category("tasks", "Tasks", frozenset({"task"})),
    Category(
        "details",
        "Details",
        frozenset({"account", "contact", "member", "product", "pipeline", "seal"}),
    ),
)

ICONS = {
    "account": "building",
    "case": "lifebuoy",
    "contact": "user",
    "interaction": "message",
    "lead": "target-arrow",
    "member": "user-check",
    "note": "note",
    "opportunity": "layout-kanban",
    "order": "shopping-cart",
    "pipeline": "layout-kanban",
    "product": "tag",
    "seal": "lock",
    "task": "checklist",
    "opportunity.stage_changed": "arrows-move",
    "opportunity.won": "trophy",
    "opportunity.lost": "circle-x",
    "web": "device-laptop",
    "download": "download",
    "webinar": "broadcast",
    "email": "mail",
    "call": "phone",
    "meeting": "calendar",
    "social": "world",
    "letter": "mail",
    "event": "calendar",
}

TALK = {
    "web": ("Web visit", "Web visit"),
    "download": ("Download", "Download"),
    "webinar": ("Webinar", "Webinar"),
    "email": ("E-mail from the customer", "E-mail to the customer"),
    "call": ("Call from the customer", "Call to the customer"),
    "meeting": ("Meeting", "Meeting"),
    "message": ("Message from the customer", "Message to the customer"),
    "social": ("Social post", "Social post"),
    "letter": ("Letter from the customer", "Letter to the customer"),
    "event": ("Event", "Event"),
}
"""By channel: what an interaction is called that came in, and one that went out."""

TITLED = frozenset(
    {"account", "case", "contact", "lead", "opportunity", "pipeline", "product", "task"}
)
"""Nouns whose records are named with what happened to them."""
ACTING = frozenset({"case", "opportunity"})
"""Those of which one says that they do things: an opportunity moved."""
OWN_SOURCES = frozenset({"api", "cli", "demo", "form"})
"""Ways in that are not worth a word."""


PLAIN_KINDS = frozenset({"held", "sent", "visited"})
"""What usually happens on a channel, and goes without saying."""


@dataclass(frozen=True, slots=True)
class Detail:
    """A further field of a fact, with the page of the record that it names."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One fact as it is shown."""

    position: int
    category: str
    icon: str
    title: str
    """The name of the record that the sentence is about, where that is another one than the one
    whose page it is on. It stands between ``before`` and ``after``."""
    href: str
    """The page of that record, where it has one."""
    before: str
    after: str
    text: str
    """What somebody wrote, as they wrote it."""
    details: tuple[Detail, ...]
    actor: str
    reason: str | None
    source: str | None
    occurred_at: datetime
    recorded_at: datetime


def category_of(fact: Event) -> str:
    """The key of the category that a fact belongs to."""
    noun = fact.__event__.noun
    return next((c.key for c in CATEGORIES if noun in c.nouns), "details")


def counts(facts: Iterable[Recorded[Any]]) -> dict[str, int]:
    """How many facts there are in each category."""
    found = dict.fromkeys((c.key for c in CATEGORIES), 0)
    for it in facts:
        found[category_of(it.event)] += 1
    return found


def ids_in(facts: Iterable[Recorded[Any]]) -> set[UUID]:
    """Every record that the facts speak of, for looking up their names."""
    found: set[UUID] = set()
    for it in facts:
        found.update((it.stream, *it.subjects))
        found.update(v for v in msgspec.structs.asdict(it.event).values() if isinstance(v, UUID))
        found.update(filter(None, [as_id(it.actor), as_id(it.on_behalf_of)]))
    return found


def as_id(text: str | None) -> UUID | None:
    """The id that a text is; None where it is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def lines(facts: Sequence[Recorded[Any]], names: Names, here: UUID | None = None) -> list[Line]:
    """The facts as lines, in their order; ``here`` is the record whose page they are shown on."""
    return [_line(it, names, here) for it in facts]


def _line(it: Recorded[Any], names: Names, here: UUID | None) -> Line:
    noun = it.event.__event__.noun
    elsewhere = it.stream != here and noun in TITLED
    title = names[it.stream].label if it.stream in names else f"{noun} without a name"
    before, after = _around(noun, title, _sentence(it.event, names), elsewhere=elsewhere)
    return Line(
        position=it.position,
        category=category_of(it.event),
        icon=_icon(it),
        title=title if elsewhere else "",
        href=page_of(noun, it.stream) if elsewhere else "",
        before=before,
        after=after,
        text=WITHHELD[it.withheld] if it.withheld else _text(it.event),
        details=_details(it, names, here),
        actor=actor(it.actor, names),
        reason=it.reason,
        source=None if it.source in OWN_SOURCES else it.source,
        occurred_at=it.occurred_at,
        recorded_at=it.recorded_at,
    )


def _around(noun: str, title: str, said: str, *, elsewhere: bool) -> tuple[str, str]:
    """What is said before and after the name of the record."""
    if not elsewhere:
        return "", said[:1].upper() + said[1:]
    before, quoted, after = said.partition(f"“{title}”")
    if quoted:
        return before[:1].upper() + before[1:], after
    return "", f" {said}" if noun in ACTING else f": {said}"


def page_of(noun: str, record: UUID) -> str:
    """The page of a record; nothing for kinds that have none of their own."""
    folder = {"account": "accounts", "contact": "contacts", "opportunity": "opportunities"}
    return f"/{folder[noun]}/{record}" if noun in folder else ""


def actor(given: str | None, names: Names) -> str:
    """The name of whoever did it."""
    known = names.get(as_id(given) or UUID(int=0))
    if known:
        return known.label
    given = given or ""
    if given.startswith("system:"):
        return f"Rapport ({given.removeprefix('system:')})"
    return "a member who is not known here" if as_id(given) else given


def _icon(it: Recorded[Any]) -> str:
    if isinstance(it.event, InteractionRecorded):
        return ICONS.get(it.event.channel, ICONS["interaction"])
    return ICONS.get(it.name) or ICONS.get(it.event.__event__.noun, "info-circle")


def _sentence(fact: Event, names: Names) -> str:
    """The event's summary in shown values."""
    if isinstance(fact, InteractionRecorded):
        return _talk(fact)
    if isinstance(fact, NoteWritten | NoteRevised):
        return "note" if isinstance(fact, NoteWritten) else "note, revised"
    shown = {name: _shown(fact, name, names) for name in fact.__struct_fields__}
    said = fact.__event__.summary.format_map(shown)
    for unsaid in (": –", " (–)", " as –", " – –", " to –", " for –", " –"):
        said = said.removesuffix(unsaid)
    return said


def _talk(fact: InteractionRecorded) -> str:
    came, went = TALK.get(fact.channel, (fact.channel.capitalize(),) * 2)
    what = came if fact.direction == "in" else went
    return what if not fact.kind or fact.kind in PLAIN_KINDS else f"{what}, {fact.kind}"


def _text(fact: Event) -> str:
    match fact:
        case NoteWritten(text=text) | NoteRevised(text=text):
            return text
        case InteractionRecorded(subject=subject, body=body):
            return "\n".join(part for part in (subject, body) if part)
        case _:
            return ""


def _details(it: Recorded[Any], names: Names, here: UUID | None) -> tuple[Detail, ...]:
    """The fields that the sentence does not speak of, and that the reader does not know."""
    fact = it.event
    told = NOWHERE | {"text", "subject", "body", "channel", "direction", "kind", "lead"}
    known = (None, here, as_id(it.actor))
    found = [
        Detail(words.label(name), _shown(fact, name, names), _page(getattr(fact, name), names))
        for name in fact.__struct_fields__
        if name not in told
        and getattr(fact, name) not in known
        and f"{{{name}}}" not in fact.__event__.summary
        and not (name == "currency" and getattr(fact, "amount", None) is not None)
    ]
    emptied = [Detail(words.label(name), "emptied") for name in getattr(fact, "cleared", ())]
    whose = [one for one in _whose(it, names, here) if one not in found]
    return (*whose, *_total(fact), *found, *emptied)[:DETAILS_MAX]


def _whose(it: Recorded[Any], names: Names, here: UUID | None) -> list[Detail]:
    """Whom a fact concerns that is on the page of a customer because of somebody of theirs."""
    if here is None or here in it.subjects or it.stream in it.subjects:
        return []
    there = [(one, names[one]) for one in it.subjects if one in names]
    return [Detail(words.label(of.noun), of.label, page_of(of.noun, one)) for one, of in there]


def _page(value: Any, names: Names) -> str:
    """The page of the record that a field names, if it names one."""
    named = names.get(value) if isinstance(value, UUID) else None
    return page_of(named.noun, value) if named else ""


def _total(fact: Event) -> tuple[Detail, ...]:
    if not isinstance(fact, OrderPlaced):
        return ()
    total = sum((line.amount for line in fact.lines), Decimal(0))
    goods = words.counted(len(fact.lines), "line")
    return (Detail("Total", f"{words.money(total, fact.currency)} in {goods}"),)


def _shown(fact: Event, name: str, names: Names) -> str:
    value = getattr(fact, name)
    match value:
        case None:
            return "–"
        case UUID():
            return names[value].label if value in names else "a record that is not known here"
        case Decimal():
            return _amount(fact, value)
        case datetime() | date():
            return words.at_length(value)
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case _:
            return str(value)


def _amount(fact: Event, value: Decimal) -> str:
    """With its currency, unless the sentence has a place of its own for that."""
    currency = getattr(fact, "currency", None) or getattr(fact, "revenue_currency", None)
    shown = words.money(value, currency)
    named_apart = "{currency}" in fact.__event__.summary
    return f"{shown.whole}{shown.fraction}" if named_apart else str(shown)

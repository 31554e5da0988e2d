"""The lists of accounts and contacts, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from psycopg import Connection
from starlette.responses import Response

from api.http.problems import Problem
from api.web import story
from api.web.forms import Form, Typed, send
from api.web.naming import names_of
from api.web.pages import Pages, see
from api.web.records import PLACE
from domain.kernel import new_id
from projections import questions
from projections.names import NameRow
from projections.questions import Prefix

ROWS_MAX = 50
"""How many rows a list shows at a time."""
STARTS_MAX = 100
"""Characters of the beginning of a name that is looked for."""
ORDER = "search"

TITLES = {
    "account": ("Name", "Industry", "City", "Owner", "Last change"),
    "contact": ("Name", "Title", "Account", "Owner", "Last change"),
}
MEANT = {
    "account": "An account is an organisation that we deal with.",
    "contact": "A contact is a person whom we deal with.",
}
COMMANDS = {"account": "open-account", "contact": "add-contact"}
FORMS = {
    "account": Form(
        "add-account",
        "Add an account",
        "plus",
        "/accounts",
        "Add account",
        dict.fromkeys(("name", "industry", "city"), ""),
    ),
    "contact": Form(
        "add-contact",
        "Add a contact",
        "plus",
        "/contacts",
        "Add contact",
        dict.fromkeys(("first_name", "last_name", "email"), ""),
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A record in the list."""

    name: str
    href: str
    cells: tuple[str, ...]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list."""

    noun: str
    titles: tuple[str, ...]
    meant: str
    starts: str
    total: int
    is_ceiling: bool
    rows: tuple[Row, ...]
    next: str
    """The address of the next page; nothing on the last one."""

    @property
    def path(self) -> str:
        return f"/{self.noun}s"

    @property
    def page_size(self) -> int:
        return ROWS_MAX


def routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    for noun in PLACE:
        _add(router, pages, noun)
    return router


def _add(router: APIRouter, pages: Pages, noun: str) -> None:
    @router.get(f"/{noun}s")
    def listing(
        request: Request, starts: str = "", after: str = "", last: UUID | None = None
    ) -> Response:
        behind = (after, last) if last else None
        return _show(pages, request, noun, starts.strip()[:STARTS_MAX], behind, FORMS[noun])

    @router.post(f"/{noun}s")
    def add(request: Request, typed: Typed) -> Response:
        record = new_id()
        said = {name: typed.get(name, "") for name in FORMS[noun].values}
        try:
            send(pages.workspace, request, COMMANDS[noun], {**said, noun: record})
        except Problem as problem:
            return _show(
                pages, request, noun, "", None, FORMS[noun].after(typed, problem), problem.status
            )
        return see(f"/{noun}s/{record}")


def _show(
    pages: Pages,
    request: Request,
    noun: str,
    starts: str,
    after: tuple[str, UUID] | None,
    form: Form,
    status: int = 200,
) -> Response:
    with pages.workspace.rows.connection() as conn:
        listed = read(conn, noun, starts, after)
    here = PLACE[noun]
    return pages.show(request, "list.html", here=here, status=status, listing=listed, form=form)


def read(conn: Connection[Any], noun: str, starts: str, after: tuple[str, UUID] | None) -> Listing:
    """The records whose name begins with a text, in the order of their names."""
    where: dict[str, Any] = {"noun": noun}
    if starts:
        where["search"] = Prefix(starts.lower())
    named = questions.select(conn, "names", where, ORDER, after, ROWS_MAX + 1)
    shown = named[:ROWS_MAX]
    total = questions.count(conn, "names", where)
    return Listing(
        noun=noun,
        titles=TITLES[noun],
        meant=MEANT[noun],
        starts=starts,
        total=total,
        is_ceiling=total >= questions.COUNT_MAX,
        rows=_rows(conn, noun, shown),
        next=_next(noun, starts, shown[-1]) if len(named) > ROWS_MAX else "",
    )


def _next(noun: str, starts: str, last: NameRow) -> str:
    return f"/{noun}s?" + urlencode({"starts": starts, "after": last.search, "last": last.id})


def _rows(conn: Connection[Any], noun: str, named: Sequence[NameRow]) -> tuple[Row, ...]:
    ids = [row.id for row in named]
    records = {
        row.id: row for row in questions.select(conn, f"{noun}s", {"id": ids}, limit=ROWS_MAX)
    }
    known = [records[i] for i in ids if i in records]
    wanted = {i for row in known for i in (row.owner, getattr(row, "account", None)) if i}
    names = names_of(conn, wanted)
    labels = {row.id: row.label for row in named}
    return tuple(
        Row(
            labels[row.id] or f"{noun.capitalize()} without a name",
            f"/{noun}s/{row.id}",
            _cells(noun, row, names),
            row.changed_at,
        )
        for row in known
    )


def _cells(noun: str, row: Any, names: story.Names) -> tuple[str, ...]:
    owner = names[row.owner].label if row.owner in names else ""
    if noun == "account":
        return row.industry or "", row.city or "", owner
    account = names[row.account].label if row.account in names else ""
    return row.title or "", account, owner

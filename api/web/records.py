"""The pages of accounts and contacts: lists, everything about one, and what is added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.customers import look
from api.http.problems import Problem
from api.http.records import not_there
from api.web import customers, story
from api.web.forms import Form, Typed, aware, send
from api.web.naming import names_of
from api.web.pages import PRESENT, AsOf, Pages, Past, is_part, see
from domain.kernel import Recorded
from replay.customers import Around, facts

FACTS_MAX = 10_000
"""How far back a timeline counts and searches."""
PLACE = {"account": "Accounts", "contact": "Contacts"}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be added to a customer from their page."""

    form: Form
    command: str
    done: str

    def said(self, noun: str, customer: UUID, typed: Mapping[str, str], me: str) -> dict[str, Any]:
        """The command's fields."""
        told: dict[str, Any] = {name: typed.get(name, "") for name in self.form.values}
        for moment in {"occurred_at", "due"} & told.keys():
            told[moment] = aware(told[moment])
        member = str(story.as_id(me) or "")
        if self.command == "record-interaction":
            return {**told, "channel": "call", noun: customer, "member": member}
        told |= {"about": customer, "noun": noun}
        return told | {"assignee": member} if self.command == "plan-task" else told


def _form(action: str, title: str, icon: str, button: str, *fields: str) -> Form:
    return Form(f"add-{action}", title, icon, action, button, dict.fromkeys(fields, ""))


def actions() -> dict[str, Action]:
    """What can be added, each with an empty form."""
    calls = ("direction", "kind", "occurred_at", "subject", "body")
    return {
        "notes": Action(
            _form("notes", "Note", "note", "Write note", "text"), "write-note", "Note written."
        ),
        "calls": Action(
            _form("calls", "Call", "phone", "Record call", *calls),
            "record-interaction",
            "Call recorded.",
        ),
        "tasks": Action(
            _form("tasks", "Task", "checklist", "Plan task", "subject", "due", "kind"),
            "plan-task",
            "Task planned.",
        ),
    }


def routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    for noun in PLACE:
        _add(router, pages, noun)
    return router


def _add(router: APIRouter, pages: Pages, noun: str) -> None:
    @router.get(f"/{noun}s/{{record}}")
    def whole(
        request: Request, record: UUID, past: AsOf, show: str = "", before: int | None = None
    ) -> Response:
        values = _values(pages, noun, record, past, show, before)
        return pages.show(request, "record.html", **values)

    @router.get(f"/{noun}s/{{record}}/timeline")
    def older(
        request: Request, record: UUID, past: AsOf, show: str = "", before: int | None = None
    ) -> Response:
        values = _values(pages, noun, record, past, show, before)
        return pages.show(request, "_lines.html", **values)

    @router.post(f"/{noun}s/{{record}}/{{action}}")
    def act(request: Request, record: UUID, action: str, typed: Typed) -> Response:
        return _act(pages, request, noun, record, action, typed)


def _act(
    pages: Pages, request: Request, noun: str, record: UUID, action: str, typed: dict[str, str]
) -> Response:
    asked = actions().get(action)
    if asked is None:
        raise Problem(404, "NotFound", "There is nothing at this address.")
    me = request.state.actor.id
    try:
        told = asked.said(noun, record, typed, me)
        send(pages.workspace, request, asked.command, told, key=typed.get("key") or None)
    except Problem as problem:
        return _answer(
            pages, request, noun, record, {action: asked.form.after(typed, problem)}, problem
        )
    if not is_part(request):
        return see(f"/{noun}s/{record}#story")
    return _answer(pages, request, noun, record, {}, None, asked.done)


def _answer(
    pages: Pages,
    request: Request,
    noun: str,
    record: UUID,
    sent: Mapping[str, Form],
    problem: Problem | None,
    done: str = "",
) -> Response:
    """The page again after a form was sent, whole or the part that htmx asks for."""
    values = _values(pages, noun, record, PRESENT, sent=sent)
    refused = next((form.problem for form in sent.values()), "")
    part = is_part(request)
    return pages.show(
        request,
        "_record_answer.html" if part else "record.html",
        status=problem.status if problem else 200,
        said=done,
        refused=refused,
        **values,
    )


def _values(
    pages: Pages,
    noun: str,
    record: UUID,
    past: Past,
    show: str = "",
    before: int | None = None,
    sent: Mapping[str, Form] | None = None,
) -> dict[str, Any]:
    found = look(pages.workspace, noun, record, past.cut)
    if found is None:
        raise not_there(noun)
    told = facts(pages.workspace.store, found.circle, past.cut, limit=FACTS_MAX)
    names = _names(pages, found)

    def lines_of(some: Sequence[Recorded[Any]]) -> list[story.Line]:
        return story.lines(some, {**names, **_names(pages, found, some)}, record)

    sent = sent or {}
    forms = [sent.get(key, action.form) for key, action in actions().items()]
    category = show if show in {c.key for c in story.CATEGORIES} else ""
    return {
        "here": PLACE[noun],
        "past": past,
        "record": customers.customer(noun, found, names, past),
        "timeline": customers.timeline(told, category, before, lines_of),
        "forms": forms,
    }


def _names(
    pages: Pages, found: Around, some: Sequence[Recorded[Any]] | None = None
) -> dict[UUID, story.Named]:
    ids = customers.ids_in(found) if some is None else story.ids_in(some)
    with pages.workspace.rows.connection() as conn:
        return names_of(conn, ids)

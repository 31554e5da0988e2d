"""GET /api/timeline and /api/history: what happened, how it came to be so, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.facts import fact
from api.http.answers import answer, problems
from api.http.customers import circle, page
from api.http.problems import Problem
from api.http.reading import Asked, Moment
from api.http.records import not_there
from api.main import Workspace
from api.nouns import VIEW_OF, view_of
from domain.kernel import AGGREGATES, Cut, Recorded
from projections.kit import View
from replay.customers import CIRCLE_VIEWS, CUSTOMERS, facts
from replay.history import NoSuchField, Step, diff, history, provenance, timeline

TIMELINE_LIMIT_MAX = 500

Noun = Annotated[str, Path(description="account, contact, opportunity, …", max_length=40)]
Id = Annotated[UUID, Path()]


def past_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(
        prefix="/api",
        tags=["past"],
        default_response_class=Response,
        responses=problems(401, 404, 422, 503),
    )
    store = workspace.store

    @router.get("/timeline/{noun}/{id}")
    def timeline_of(
        noun: Noun,
        id: Id,  # noqa: A002  # the name in the address
        when: Asked,
        before: Annotated[int | None, Query(ge=0, le=2**62, description="A position.")] = None,
        limit: Annotated[int, Query(ge=1, le=TIMELINE_LIMIT_MAX)] = 50,
    ) -> Response:
        """What concerns an account, contact or lead, newest first; of other records, their own
        events. An account has what concerns its contacts, and a contact what concerns the leads
        that became them."""
        known(noun)
        when.wait(workspace, CIRCLE_VIEWS if noun in CUSTOMERS else None)
        if noun in CUSTOMERS:
            whole, position = circle(workspace, noun, id, when.cut)
            found = facts(store, whole, when.cut, before, limit + 1)
        elif AGGREGATES[noun].is_subject:
            position = store.head()
            found = timeline(store, id, when.cut, before, limit + 1)
        else:
            position = store.head()
            own = [it for it in store.read(id) if it.event.__event__.noun == noun]
            found = [it for it in reversed(own) if _shown(it, when.cut, before)]
        if not found and before is None:
            raise not_there(noun)
        return answer({"position": position, **page(found, limit)}, position)

    @router.get("/history/{noun}/{id}")
    def history_of(noun: Noun, id: Id, when: Asked) -> Response:  # noqa: A002
        """Every event of a record, with the record after it and what it changed."""
        view = known(noun)
        when.wait(workspace)
        position = store.head()
        steps = history(store, id, view, when.cut)
        if not steps:
            raise not_there(noun)
        return answer({"position": position, "steps": told(steps)}, position)

    @router.get("/history/{noun}/{id}/diff")
    def diff_of(
        noun: Noun,
        id: Id,  # noqa: A002
        when: Asked,
        with_at: Annotated[Moment, Query(description="The other moment: as it was then.")] = None,
        with_knew: Annotated[Moment, Query(description="And as it was known then.")] = None,
    ) -> Response:
        """How a record differs between two moments (`at`, `knew` and `with_at`, `with_knew`),
        and the events that make the difference."""
        view = known(noun)
        when.wait(workspace)
        position = store.head()
        found = diff(store, id, view, when.cut, Cut(with_at, with_knew))
        if found.was is None and found.now is None:
            raise not_there(noun)
        body = {
            "was": found.was,
            "now": found.now,
            "changed": changed(found.changed),
            "steps": told(found.steps),
        }
        return answer({"position": position, **body}, position)

    @router.get("/history/{noun}/{id}/provenance")
    def provenance_of(
        noun: Noun,
        id: Id,  # noqa: A002
        when: Asked,
        field: Annotated[str, Query(max_length=100, description="A field of the record.")],
    ) -> Response:
        """Which event gave a field its value, who brought it and why, and the values before."""
        view = known(noun)
        when.wait(workspace)
        position = store.head()
        try:
            origin = provenance(store, id, view, field, when.cut)
        except NoSuchField:
            raise Problem(422, "Invalid", f"There is no field {field!r}.", field="field") from None
        if origin is None:
            raise not_there(noun)
        return answer({"position": position, "provenance": asdict(origin)}, position)

    return router


def known(noun: str) -> View[Any]:
    """The view of a noun.

    Raises:
        Problem: there is no such noun.
    """
    view = view_of(noun)
    if view is None:
        there = ", ".join(VIEW_OF)
        raise Problem(404, "NotFound", f"There are no records of that kind. There are: {there}.")
    return view


def _shown(it: Recorded[Any], cut: Cut, before: int | None) -> bool:
    return cut.holds(it) and (before is None or it.position < before)


def told(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps of a history as they are sent."""
    return [
        {"event": fact(step.it), "record": step.row, "changed": changed(step.changed)}
        for step in steps
    ]


def changed(fields: dict[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {"was": was, "is": now} for name, (was, now) in fields.items()}

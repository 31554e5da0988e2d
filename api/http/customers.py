"""GET /api/customers: an account or a contact all round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.facts import fact
from api.http.answers import answer, problems
from api.http.problems import Problem
from api.http.reading import Asked
from api.http.records import not_there
from api.main import Workspace
from domain.kernel import Cut, Recorded
from projections import questions
from replay import customers
from replay.customers import CIRCLE_VIEWS, CUSTOMERS, READ, Around, Circle

RECORDS_MAX = 100
"""How many records of a kind are told; the others are counted."""
FACTS_MAX = 500


def customer_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(
        prefix="/api",
        tags=["records"],
        default_response_class=Response,
        responses=problems(401, 404, 422, 503),
    )

    @router.get("/customers/{noun}/{id}")
    def customer_of(
        noun: Annotated[str, Path(description="account or contact", max_length=40)],
        id: UUID,  # noqa: A002  # the name in the address
        when: Asked,
        before: Annotated[int | None, Query(ge=0, le=2**62, description="A position.")] = None,
        limit: Annotated[int, Query(ge=1, le=FACTS_MAX, description="Of the timeline.")] = 50,
    ) -> Response:
        """An account or a contact all round: the record, how things stand, the records that name
        them, and their timeline, newest first. An account has its contacts, and a contact the
        leads that became them."""
        if noun not in CUSTOMERS:
            raise Problem(404, "NotFound", f"Customers are: {', '.join(CUSTOMERS)}.")
        when.wait(workspace, READ)
        found = look(workspace, noun, id, when.cut)
        if found is None:
            raise not_there(noun)
        told = customers.facts(workspace.store, found.circle, when.cut, before, limit + 1)
        return answer({**_body(noun, found), "timeline": page(told, limit)}, found.position)

    return router


def look(workspace: Workspace, noun: str, customer: UUID, cut: Cut) -> Around | None:
    """A customer all round at a cut; None where there is, or was, no such one."""
    if not cut.is_now:
        return customers.then(workspace.store, noun, customer, cut)
    with workspace.rows.connection() as conn:
        return customers.now(conn, noun, customer)


def circle(workspace: Workspace, noun: str, customer: UUID, cut: Cut) -> tuple[Circle, int]:
    """Who belongs to a customer at a cut, and the position of the log that tells it."""
    if not cut.is_now:
        position = workspace.store.head()
        return customers.circle_then(workspace.store, noun, customer, cut), position
    with workspace.rows.connection() as conn:
        position = questions.position(conn, *CIRCLE_VIEWS)
        return customers.circle_now(conn, noun, customer), position


def page(found: Sequence[Recorded[Any]], limit: int) -> dict[str, Any]:
    """The first facts of those found, and where the next ones begin."""
    more = found[limit - 1].position if len(found) > limit else None
    return {"events": [fact(it) for it in found[:limit]], "next": more}


def _body(noun: str, found: Around) -> dict[str, Any]:
    circle = found.circle
    return {
        "position": found.position,
        "noun": noun,
        "record": found.row,
        "circle": {
            "contacts": circle.contacts,
            "leads": circle.leads,
            "is_whole": circle.is_whole,
        },
        "figures": found.figures,
        "linked": {
            view: {
                "count": len(rows),
                "count_is_exact": view not in found.cut_short,
                "records": rows[:RECORDS_MAX],
            }
            for view, rows in found.rows.items()
        },
    }

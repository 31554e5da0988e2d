"""GET /api/log: the facts themselves, in the order of the log."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.facts import fact, facts_after
from api.http.answers import answer, problems
from api.http.problems import Problem
from api.http.reading import Asked
from api.main import Workspace
from domain.kernel import CATALOGUE, Cut, Recorded
from event_store.store import EventStore

LIMIT_MAX = 1_000


def log_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["log"])
    store = workspace.store

    @router.get("/log", response_class=Response, responses=problems(401, 422, 503))
    def log(
        when: Asked,
        after: Annotated[int, Query(ge=0, le=2**62, description="A position.")] = 0,
        type: Annotated[  # noqa: A002  # the name of the parameter in the address
            list[str], Query(description="Names of events, such as opportunity.won.")
        ] = [],  # noqa: B006  # FastAPI copies it
        subject: Annotated[UUID | None, Query(description="A contact, account or lead.")] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> Response:
        """The events after a position, oldest first."""
        when.wait(workspace)
        head = store.head()
        found, reached = page(store, after, limit, when.cut, type, subject)
        body: dict[str, Any] = {"position": head, "events": [fact(it) for it in found]}
        return answer({**body, "next": reached if reached < head else None}, head)

    return router


def page(
    store: EventStore,
    after: int,
    limit: int,
    cut: Cut,
    names: list[str],
    subject: UUID | None,
) -> tuple[list[Recorded[Any]], int]:
    """Events after a position that fit, and how far the log was looked through for them.

    Raises:
        Problem: there is no such type of event.
    """
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown:
        raise Problem(422, "Invalid", f"There is no event {unknown[0]!r}.", field="type")
    found: list[Recorded[Any]] = []
    for it in facts_after(store, after, cut, names, subject):
        found.append(it)
        if len(found) == limit:
            return found, it.position
    return found, max(after, store.head())

"""GET /api/<noun> and /api/<noun>/<id>: records as their views show them, now or as of then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.answers import answer, etag, problems
from api.http.filters import Filters, Order, fits
from api.http.problems import Problem
from api.http.reading import Asked, When
from api.main import Workspace
from api.nouns import VIEW_OF
from domain.kernel import Cut
from projections import questions
from projections.kit import VIEWS, View
from replay.history import row_as_of, rows_as_of

COUNT_MAX = 10_000
"""Up to where records are counted exactly."""
LIMIT_MAX = 500
OWN_NAMES = frozenset({"at", "knew", "seen", "order", "after", "limit"})
"""Parameters of a list that are no filters."""


def record_routes(workspace: Workspace) -> APIRouter:
    """Two addresses for each noun."""
    router = APIRouter(prefix="/api", tags=["records"])
    for noun, name in VIEW_OF.items():
        view = VIEWS[name]
        filters = Filters(view)
        router.add_api_route(
            f"/{noun}",
            _list(workspace, view, filters),
            operation_id=f"list-{noun}",
            summary=f"Records of the kind {noun}, filtered by equality of fields.",
            response_class=Response,
            responses=problems(401, 422, 503),
            openapi_extra={"parameters": [_parameter(field) for field in filters.fields]},
        )
        router.add_api_route(
            f"/{noun}/{{id}}",
            _one(workspace, view, noun),
            operation_id=f"get-{noun}",
            summary=f"One record of the kind {noun}.",
            response_class=Response,
            responses=problems(401, 404, 422, 503),
        )
    return router


def _parameter(field: str) -> dict[str, Any]:
    return {
        "name": field,
        "in": "query",
        "required": False,
        "schema": {"type": "string"},
        "description": "Equal to this; empty: not set.",
    }


def _one(workspace: Workspace, view: View[Any], noun: str) -> Callable[..., Response]:
    def one(id: UUID, when: Asked) -> Response:  # noqa: A002  # the name in the address
        row, position = _row(workspace, view, id, when)
        if row is None:
            raise not_there(noun)
        headers = {"ETag": etag(row.version)} if when.cut.is_now else {}
        return answer({"position": position, "record": row}, position, headers)

    return one


def not_there(noun: str) -> Problem:
    """The answer where a record is not there, or was not there yet."""
    code = f"NoSuch{noun.capitalize()}"
    return Problem(404, code, f"There is no such {noun}, or there was none at that time.")


def _row(workspace: Workspace, view: View[Any], key: UUID, when: When) -> tuple[Any, int]:
    when.wait(workspace, [view.name])
    if not when.cut.is_now:
        position = workspace.store.head()
        return row_as_of(workspace.store, view, key, when.cut), position
    with workspace.rows.connection() as conn:
        # Asked first, it is never ahead of the rows. One snapshot for both would not do: it does
        # not see the rows of a table that a rebuild puts in place meanwhile.
        position = questions.position(conn, view.name)
        return questions.get(conn, view.name, key), position


@dataclass(frozen=True, slots=True)
class _Page:
    """What a list asks for."""

    where: dict[str, Any]
    order: Order
    behind: tuple[Any, ...] | None
    limit: int


def _list(workspace: Workspace, view: View[Any], filters: Filters) -> Callable[..., Response]:
    def many(
        request: Request,
        when: Asked,
        order: Annotated[
            str, Query(max_length=200, description="Fields, with a minus for descending.")
        ] = filters.default_order,
        after: Annotated[
            str | None, Query(max_length=4_000, description="The `next` of the page before.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
    ) -> Response:
        asked = [(n, v) for n, v in request.query_params.multi_items() if n not in OWN_NAMES]
        by = filters.order(order)
        page = _Page(filters.where(asked), by, by.behind(after) if after else None, limit)
        when.wait(workspace, [view.name])
        look = _now if when.cut.is_now else partial(_as_of, cut=when.cut)
        rows, count, position = look(workspace, view, page)
        more = len(rows) > limit
        body = {
            "position": position,
            "count": min(count, COUNT_MAX),
            "count_is_exact": count <= COUNT_MAX,
            "records": rows[:limit],
            "next": by.cursor(rows[limit - 1]) if more else None,
        }
        return answer(body, position)

    return many


_Found = tuple[Sequence[Any], int, int]
"""Rows, one more than asked for where there are more; how many there are; the position."""


def _now(workspace: Workspace, view: View[Any], page: _Page) -> _Found:
    with workspace.rows.connection() as conn:
        position = questions.position(conn, view.name)
        rows = questions.select(
            conn, view.name, page.where, page.order.sql, page.behind, page.limit + 1
        )
        count = questions.count(conn, view.name, page.where, COUNT_MAX + 1)
        return rows, count, position


def _as_of(workspace: Workspace, view: View[Any], page: _Page, *, cut: Cut) -> _Found:
    position = workspace.store.head()
    found = rows_as_of(workspace.store, view, cut, lambda row: fits(row, page.where))
    rows: Sequence[Any] = page.order.sort(found.values())
    if page.behind is not None:
        rows = page.order.after(rows, page.behind)
    return rows[: page.limit + 1], len(found), position

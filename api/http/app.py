"""The HTTP application of one workspace: the API, and the pages where they are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from api import web
from api.document_messages import asyncapi_json
from api.http.access import Access, entrance
from api.http.analysis import analysis_routes
from api.http.answers import ProblemBody, answer, problems
from api.http.batch import BYTES_MAX, batch_routes
from api.http.commands import command_routes
from api.http.customers import customer_routes
from api.http.limits import BodyLimit
from api.http.live import Live, live_routes
from api.http.log import log_routes
from api.http.past import past_routes
from api.http.problems import (
    TITLES,
    Failures,
    Problem,
    SecurityHeaders,
    answer_with_problems,
    title,
)
from api.http.records import record_routes
from api.http.status import Counted, Tally, status_routes
from api.main import Workspace
from commands.desk import Actor
from domain.kernel import Refused


def app(workspace: Workspace) -> FastAPI:
    """The application; it follows the log for its listeners for as long as it runs."""
    live, tally = Live(workspace), Tally()
    token = workspace.settings.access_token()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(live.follow())
        yield
        live.close()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    api = FastAPI(
        title="Rapport",
        summary="A CRM whose database is its history.",
        lifespan=lifespan,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
    )
    api.state.live = live
    _describe_problems(api)
    answer_with_problems(api)
    api.include_router(entrance(token))
    for router in _routers(workspace, live, tally):
        api.include_router(router)
    # The last one added is the first one to see a request.
    api.add_middleware(BodyLimit, limits={"/api/commands": BYTES_MAX})
    api.add_middleware(Access, token=token, actor=Actor(workspace.settings.actor))
    api.add_middleware(Failures)
    web.mount(api, workspace)
    api.add_middleware(Failures)  # once more, around the pages' own
    api.add_middleware(SecurityHeaders)
    api.add_middleware(Counted, tally=tally)
    return api


def _routers(workspace: Workspace, live: Live, tally: Tally) -> list[APIRouter]:
    return [
        batch_routes(workspace.bus),
        command_routes(workspace.bus),
        record_routes(workspace),
        customer_routes(workspace),
        past_routes(workspace),
        analysis_routes(workspace),
        log_routes(workspace),
        live_routes(live),
        status_routes(workspace, live, tally),
        problem_routes(),
        message_routes(),
    ]


def _describe_problems(api: FastAPI) -> None:
    """Adds what the problems of all routes refer to."""
    describe = api.openapi

    def openapi() -> dict[str, Any]:
        described = describe()
        described["components"]["schemas"][ProblemBody.__name__] = ProblemBody.model_json_schema()
        return described

    api.openapi = openapi  # type: ignore[method-assign]  # the framework's own way to extend it


def problem_routes() -> APIRouter:
    """What a problem's type means, at the address that is its name."""
    router = APIRouter(tags=["status"])

    @router.get("/problems/{code}", response_class=Response)
    def problem(code: str) -> Response:
        meaning = meanings().get(code)
        if meaning is None:
            raise Problem(404, "NotFound", "There is no such problem.")
        return answer({"type": f"/problems/{code}", "title": title(code), "detail": meaning}, 0)

    return router


def message_routes() -> APIRouter:
    """What goes in and out through Kafka."""
    router = APIRouter(tags=["status"])

    @router.get("/asyncapi.json", response_class=Response, responses=problems(401))
    def messages() -> Response:
        """The messages of commands and events, as AsyncAPI 3."""
        return Response(asyncapi_json(), media_type="application/json")

    return router


def meanings() -> dict[str, str]:
    """Every problem there can be, by code, with its sentence."""
    refusals = {kind.__name__: kind.__doc__ or "" for kind in _below(Refused)}
    return {**refusals, **{code: f"{text}." for code, text in TITLES.items()}}


def _below(kind: type[Refused]) -> list[type[Refused]]:
    return [it for sub in kind.__subclasses__() for it in (sub, *_below(sub))]

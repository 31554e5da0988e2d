"""GET /healthz, /readyz, /metrics: for those who keep the program running."""

from __future__ import annotations

import time
from collections import Counter

from fastapi import APIRouter
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.answers import problems
from api.http.live import Live
from api.http.problems import RETRY_SECONDS, Problem
from api.main import Workspace


class Tally:
    """Counts requests by status, and the seconds that they took."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.seconds = 0.0


class Counted:
    """Tells the tally of each request. A stream counts when it begins."""

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self.app, self.tally = app, tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.tally.requests[message["status"]] += 1
                self.tally.seconds += time.perf_counter() - started
            await send(message)

        await self.app(scope, receive, count)


def status_routes(workspace: Workspace, live: Live, tally: Tally) -> APIRouter:
    router = APIRouter(tags=["status"])

    @router.get("/healthz", response_class=PlainTextResponse)
    def healthz() -> str:
        """The process answers."""
        return "ok\n"

    @router.get("/readyz", response_class=PlainTextResponse, responses=problems(503))
    def readyz() -> str:
        """The process can serve: the database answers."""
        try:
            workspace.store.head()
        except Exception as error:
            raise Problem(
                503,
                "Unavailable",
                "The database does not answer at present.",
                retry_after=RETRY_SECONDS,
            ) from error
        return "ok\n"

    @router.get("/metrics", response_class=PlainTextResponse, responses=problems(401))
    def metrics() -> str:
        """Numbers for monitoring, in Prometheus' text format."""
        return "".join(f"{line}\n" for line in _lines(workspace, live, tally))

    return router


def _lines(workspace: Workspace, live: Live, tally: Tally) -> list[str]:
    lines = [
        "# TYPE crm_log_position gauge",
        f"crm_log_position {workspace.store.head()}",
        "# TYPE crm_live_listeners gauge",
        f"crm_live_listeners {live.clients}",
        "# TYPE crm_http_requests_total counter",
    ]
    for status, count in sorted(tally.requests.items()):
        lines.append(f'crm_http_requests_total{{status="{status}"}} {count}')
    lines += [
        "# TYPE crm_http_seconds_total counter",
        f"crm_http_seconds_total {tally.seconds:.6f}",
    ]
    return lines

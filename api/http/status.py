"""GET /healthz, /readyz, /metrics: for those who keep the program running."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from fastapi import APIRouter
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.answers import problems
from api.http.live import Live
from api.http.problems import RETRY_SECONDS, Problem
from api.main import Workspace
from event_store.dead_letters import Standing
from event_store.relay_progress import relay_lag
from event_store.seals.sealer import seal_status
from event_store.topics import events_topic


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
    async def healthz() -> str:
        """The process answers, even if all its threads are busy."""
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


def _lines(workspace: Workspace, live: Live, tally: Tally) -> Iterator[str]:
    for name, kind, samples in _families(workspace, live, tally):
        yield f"# TYPE {name} {kind}"
        for labels, value in samples:
            yield f"{name}{labels} {value}"


_Family = tuple[str, str, list[tuple[str, float]]]
"""A name, its kind, and its samples with their labels."""


def _families(workspace: Workspace, live: Live, tally: Tally) -> list[_Family]:
    views = [(f'{{view="{it.view}"}}', it) for it in workspace.runner.status()]
    requests = sorted(tally.requests.items())
    seals = seal_status(workspace.store, workspace.dsn)
    relay = relay_lag(workspace.store, events_topic(workspace.settings.workspace))
    letters = workspace.dead_letters.standing()
    return [
        ("crm_log_position", "gauge", [("", workspace.store.head())]),
        ("crm_view_lag_events", "gauge", [(label, it.lag) for label, it in views]),
        ("crm_view_lag_seconds", "gauge", [(label, it.lag_seconds) for label, it in views]),
        ("crm_view_failed", "gauge", [(label, int(it.state == "failed")) for label, it in views]),
        ("crm_sealed_position", "gauge", [("", seals.size)]),
        ("crm_seal_lag_events", "gauge", [("", seals.lag)]),
        ("crm_seal_lag_seconds", "gauge", [("", seals.lag_seconds)]),
        ("crm_relay_lag_events", "gauge", [("", relay.events)] if relay else []),
        ("crm_dead_letters", "gauge", _by_state(letters)),
        ("crm_dead_letters_oldest_seconds", "gauge", [("", letters.age())]),
        ("crm_live_listeners", "gauge", [("", live.clients)]),
        ("crm_http_requests_total", "counter", [(f'{{status="{s}"}}', n) for s, n in requests]),
        ("crm_http_seconds_total", "counter", [("", round(tally.seconds, 6))]),
    ]


def _by_state(letters: Standing) -> list[tuple[str, float]]:
    return [('{state="refused"}', letters.refused), ('{state="waiting"}', letters.waiting)]

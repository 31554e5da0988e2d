"""GET /live: what has just happened, pushed to whoever listens (server-sent events)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import anyio
import msgspec
from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from api.http.answers import problems
from api.http.problems import RETRY_SECONDS, Problem
from api.main import Workspace
from domain.kernel import Recorded

CLIENTS_MAX = 200
BATCHES_MAX = 500
"""How many batches are kept at hand for listeners that are a little behind."""
RESUME_EVENTS_MAX = 5_000
"""A listener who has missed more is told to read anew instead."""
STREAMS_MAX = 50
"""The most records that one message names."""
HEARTBEAT_SECONDS = 15.0
WAIT_SECONDS = 1.0
VIEWS_SECONDS_MAX = 2.0
"""How long news are held back so that the views show them already."""
RETRY_MILLISECONDS = 2_000

_log = logging.getLogger("crm.live")


@dataclass(frozen=True, slots=True)
class _Batch:
    position: int
    text: bytes


class Live:
    """Follows the log once for all listeners. Memory does not grow with slow ones: whoever falls
    behind what is kept at hand reads the log instead."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._recent: deque[_Batch] = deque()
        self._floor = self._position = 0
        self._arrived = asyncio.Event()
        self._limiter = anyio.CapacityLimiter(1)
        self.clients = 0
        self.closing = False

    async def follow(self) -> None:
        """Runs until cancelled. A database that is away for a while is waited for."""
        self._floor = self._position = await self._thread(self._workspace.store.head)
        while not self.closing:
            try:
                page = await self._thread(partial(self._next, self._position))
            except Exception as error:  # noqa: BLE001  # listeners outlive a restart of the database
                _log.warning("cannot follow the log: %s", error)
                await asyncio.sleep(WAIT_SECONDS)
                continue
            if page:
                self._tell(page)

    def close(self) -> None:
        """Ends every listener's answer, so that the server can stop."""
        self.closing = True
        self._wake()

    async def messages(self, after: int | None) -> AsyncGenerator[bytes, None]:
        """What one listener is sent, from the position on that they have seen."""
        self.clients += 1
        try:
            position = self._position if after is None else after
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            while not self.closing:
                arrived = self._arrived
                for batch in await self._since(position):
                    position = batch.position
                    yield batch.text
                try:
                    if position >= self._position:
                        await asyncio.wait_for(arrived.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self.clients -= 1

    async def _since(self, position: int) -> list[_Batch]:
        if abs(self._position - position) > RESUME_EVENTS_MAX:  # ahead: it was another log
            return [_reset(self._position)]
        if position >= self._floor:
            return [batch for batch in self._recent if batch.position > position]
        missed = await anyio.to_thread.run_sync(
            partial(self._workspace.store.page, position, upto=self._position)
        )
        return [_Batch(missed[-1].position, _messages(missed))] if missed else []

    def _next(self, after: int) -> list[Recorded[Any]]:
        store = self._workspace.store
        if store.wait(after, WAIT_SECONDS) <= after:
            return []
        page = store.page(after)
        if page:
            self._workspace.runner.wait_for(page[-1].position, VIEWS_SECONDS_MAX)
        return page

    def _tell(self, page: Sequence[Recorded[Any]]) -> None:
        self._position = page[-1].position
        self._recent.append(_Batch(self._position, _messages(page)))
        while len(self._recent) > BATCHES_MAX:
            self._floor = self._recent.popleft().position
        self._wake()

    def _wake(self) -> None:
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def _thread(self, work: Any) -> Any:
        return await anyio.to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)


def _messages(page: Sequence[Recorded[Any]]) -> bytes:
    """One message for each name of event. Only the last carries the id: who is cut off in
    between is sent all of them again."""
    by_name: dict[str, list[Recorded[Any]]] = {}
    for it in page:
        by_name.setdefault(it.name, []).append(it)
    position = page[-1].position
    last = list(by_name)[-1]
    return b"".join(
        _message(name, _news(name, events, position), position if name == last else None)
        for name, events in by_name.items()
    )


def _news(name: str, events: Sequence[Recorded[Any]], position: int) -> dict[str, Any]:
    streams = list(dict.fromkeys(it.stream for it in events))
    subjects = list(dict.fromkeys(subject for it in events for subject in it.subjects))
    return {
        "position": position,
        "name": name,
        "count": len(events),
        "streams": streams[:STREAMS_MAX],
        "subjects": subjects[:STREAMS_MAX],
    }


def _message(event: str, data: dict[str, Any], position: int | None) -> bytes:
    id_line = "" if position is None else f"id: {position}\n"
    return f"event: {event}\n{id_line}data: ".encode() + msgspec.json.encode(data) + b"\n\n"


def _reset(position: int) -> _Batch:
    return _Batch(position, _message("reset", {"position": position}, position))


def live_routes(live: Live) -> APIRouter:
    router = APIRouter(tags=["log"])

    @router.get(
        "/live",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}}, **problems(401, 422, 503)},
    )
    async def listen(
        last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**62)] = None,
    ) -> StreamingResponse:
        """Names of new events as they happen: one message for each name, once the views show
        them. After a break, Last-Event-ID goes on where it was; `reset` means: too much was
        missed, read anew."""
        if live.clients >= CLIENTS_MAX:
            raise Problem(
                503, "TooBusy", "Too many listeners at present.", retry_after=RETRY_SECONDS
            )
        return StreamingResponse(
            live.messages(last_event_id),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    return router

"""Problems as pages for people: whatever goes wrong is answered in the shape that was asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import MEDIA_TYPE
from api.web.pages import Pages

ICONS = {401: "lock", 403: "lock", 404: "search", 409: "alert-triangle", 503: "refresh"}
UNSURE = "Look whether it was stored before you send it again."
"""Where a failure may have come after the log had taken it."""
SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a page says of a problem."""

    status: int
    title: str
    detail: str
    reference: str
    stored: str
    """What became of what was sent."""
    again: str
    """The address to try again; nothing where that is of no use."""

    @property
    def icon(self) -> str:
        return ICONS.get(self.status, "alert-circle")


class ProblemPages:
    """Turns problem details into a page where a page was asked for."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self.app, self.pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _for_people(scope):
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def turn(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_problem(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body"):
                    await self._answer(Request(scope), held, send)

        await self.app(scope, receive, turn)

    async def _answer(self, request: Request, held: list[Message], send: Send) -> None:
        start, *bodies = held
        body = b"".join(message.get("body", b"") for message in bodies)
        trouble = trouble_of(request, json.loads(body))
        is_part = "hx-request" in request.headers
        page = self.pages.show(
            request,
            "_say.html" if is_part else "problem.html",
            status=trouble.status,
            me="",  # whoever it is: the database may be what is in trouble
            problem=trouble,
            refused=" ".join(part for part in (trouble.detail, trouble.stored) if part),
        )
        headers = MutableHeaders(raw=start["headers"])
        headers["content-type"] = page.headers["content-type"]
        headers["content-length"] = page.headers["content-length"]
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": page.body})


def trouble_of(request: Request, problem: dict[str, Any]) -> Trouble:
    """A problem in words."""
    safe = request.method in SAFE_METHODS
    url = request.url
    detail = problem.get("detail", "")
    again = f"{url.path}?{url.query}" if url.query else url.path
    return Trouble(
        status=problem["status"],
        title=problem["title"],
        detail="" if detail == f"{problem['title']}." else detail,
        reference=problem.get("reference", ""),
        stored="" if safe else UNSURE if problem["status"] >= 500 else "Nothing was stored.",
        again=again if safe and problem["status"] >= 500 else "",
    )


def _for_people(scope: Scope) -> bool:
    accepted = Headers(scope=scope).get("accept", "")
    return "text/html" in accepted and not scope["path"].startswith("/api/")


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(MEDIA_TYPE)

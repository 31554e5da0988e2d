"""How large a request may be."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import problem_of

BODY_BYTES_MAX = 1_000_000
"""Of a request whose address has no limit of its own."""


class BodyLimit:
    """Refuses a body that is too large: at once where its length is told, else when it is."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        """``limits``: bytes, by the path of the address."""
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limits.get(scope["path"], BODY_BYTES_MAX)
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > limit:
            await problem_of(HTTPException(413)).response()(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413)  # the one kind that the framework lets through
            return message

        await self.app(scope, counted, send)

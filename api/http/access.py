"""Who may come in, until there are accounts: whoever holds the development token."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import Problem
from commands.desk import Actor

COOKIE = "crm_session"
COOKIE_SECONDS_MAX = 14 * 24 * 3600
OPEN_PATHS = frozenset({"/enter", "/healthz", "/readyz"})
OPEN_FOLDERS = ("/static/", "/problems/")
"""What is answered without a token: nothing in it is about the business."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def not_signed_in() -> Problem:
    return Problem(
        401,
        "NotSignedIn",
        "Send the token in the header Authorization: Bearer …, or open the address that"
        " crm serve has printed.",
    )


def cross_site() -> Problem:
    return Problem(
        403, "CrossSite", "A change that is sent with a cookie has to come from our own pages."
    )


class Access:
    """Lets nobody in without the token; what is let in knows its actor."""

    def __init__(self, app: ASGIApp, token: str, actor: Actor) -> None:
        self.app, self.actor = app, actor
        self._token = token
        self._session = session_of(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_open(scope["path"]):
            problem = self._problem(scope)
            if problem is not None:
                await problem.response()(scope, receive, send)
                return
            scope.setdefault("state", {})["actor"] = self.actor
        await self.app(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        asked = HTTPConnection(scope)
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme:
            ours = scheme.lower() == "bearer" and same(token.strip(), self._token)
            return None if ours else not_signed_in()
        if not same(asked.cookies.get(COOKIE, ""), self._session):
            return not_signed_in()
        if scope["method"] not in SAFE_METHODS and not _from_our_pages(asked.headers):
            return cross_site()
        return None


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def session_of(token: str) -> str:
    """What the cookie holds, so that it does not give the token away."""
    return hmac.new(token.encode(), b"session cookie", hashlib.sha256).hexdigest()


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def _from_our_pages(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def sender(request: Request) -> Actor:
    """Who sends the request."""
    actor: Actor = request.state.actor
    return actor


Sender = Annotated[Actor, Depends(sender)]


def entrance(token: str) -> APIRouter:
    """The address that turns the token into a cookie for the pages."""
    router = APIRouter()

    @router.get("/enter", include_in_schema=False)
    def enter(request: Request) -> Response:
        if not same(request.query_params.get("token", ""), token):
            raise not_signed_in()
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            COOKIE,
            session_of(token),
            max_age=COOKIE_SECONDS_MAX,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer

    return router

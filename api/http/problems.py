"""Everything that can be answered instead of what was asked, as RFC 9457 problem details."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from pydantic import ValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.kernel import Refused
from event_store.store import ClaimTaken, Conflict, KeyReused, TooBusy
from projections.questions import ViewNotReady

MEDIA_TYPE = "application/problem+json"
ERRORS_MAX = 20
"""The most wrong fields that one problem lists."""
RETRY_SECONDS = 1

_log = logging.getLogger("crm.http")

TITLES = {
    "CrossSite": "The request comes from another site",
    "Failed": "Something failed here",
    "Invalid": "The input is not valid",
    "KeyReused": "The idempotency key was used for something else",
    "MethodNotAllowed": "The address does not take this method",
    "NotFound": "There is nothing at this address",
    "NotSignedIn": "The request carries no valid token",
    "NotYet": "The view has not got there yet",
    "Stale": "The record has changed since it was read",
    "Taken": "Another record holds this value",
    "TooBusy": "Too much is waiting",
    "TooLarge": "The request is too large",
    "Unavailable": "The database cannot be reached",
    "Unreadable": "The request cannot be read",
}
"""What the codes of our own mean; every refusal of the business is a code of its own."""


class Problem(Exception):
    """An answer that is not the one asked for. Can be raised wherever a request is handled."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        **more: object,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.field = status, code, detail, field
        self.retry_after = retry_after
        self.more = more

    def body(self) -> dict[str, Any]:
        """The problem details; members without a value are left out."""
        members = {
            "type": f"/problems/{self.code}",
            "title": title(self.code),
            "status": self.status,
            "detail": self.detail,
            "field": self.field,
            **self.more,
        }
        return {name: value for name, value in members.items() if value is not None}

    def response(self) -> Response:
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after)))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        content = msgspec.json.encode(self.body(), enc_hook=str)
        return Response(content, self.status, headers, MEDIA_TYPE)


def title(code: str) -> str:
    """What a code means in general: ``OpportunityIsClosed`` reads as its words."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", code).lower()
    return TITLES.get(code, words.capitalize())


def problem_of(error: Exception) -> Problem:
    """The problem behind an error; one that nobody foresaw is logged under a reference."""
    match error:
        case Problem():
            return error
        case Refused():
            return _refused(error)
        case RequestValidationError() | ValidationError():
            return invalid(error.errors())
        case Conflict():
            return Problem(412, "Stale", "The record has changed meanwhile. Read it again.")
        case ClaimTaken():
            existing = {"kind": error.kind, "record": error.owner}
            detail = f"This {error.kind} belongs to another record."
            return Problem(409, "Taken", detail, existing=existing)
        case KeyReused():
            return Problem(422, "KeyReused", "The same key was sent before with other content.")
        case HTTPException():
            return _of_status(error)
        case _:
            return _to_try_again(error) or _unforeseen(error)


def _to_try_again(error: Exception) -> Problem | None:
    """The problem behind an error that passes by itself."""
    match error:
        case TooBusy():
            detail = "Too many commands are waiting to be stored. Nothing was done; try again."
            return Problem(503, "TooBusy", detail, retry_after=error.retry_after)
        case ViewNotReady():
            detail = "The view is being made. Try again."
            return Problem(503, "NotYet", detail, retry_after=RETRY_SECONDS)
        case psycopg.OperationalError() | psycopg.InterfaceError() | PoolTimeout():
            _log.error("the database cannot be reached: %s", error)
            detail = "The database does not answer at present. Try again."
            return Problem(503, "Unavailable", detail, retry_after=RETRY_SECONDS)
        case _:
            return None


def invalid(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """A problem that names each wrong field, from the errors of pydantic."""
    errors = list(errors)[:ERRORS_MAX]
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem(400, "Unreadable", "The body is not valid JSON.")
    wrong = [{"field": _place(e["loc"]), "detail": _sentence(e["msg"])} for e in errors]
    first = wrong[0]
    detail = f"{first['field']}: {first['detail']}" if first["field"] else first["detail"]
    return Problem(422, "Invalid", detail, field=first["field"] or None, errors=wrong)


def _place(loc: tuple[Any, ...]) -> str:
    return ".".join(
        str(part)
        for n, part in enumerate(loc)
        if n or part not in ("body", "query", "path", "header")
    )


def _sentence(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message if message.endswith(".") else f"{message}."


def _refused(no: Refused) -> Problem:
    status = 404 if no.code.startswith("NoSuch") else 409
    return Problem(status, no.code, str(no), field=no.field, facts=no.facts or None)


def _of_status(error: HTTPException) -> Problem:
    match error.status_code:
        case 404:
            return Problem(404, "NotFound", "There is nothing at this address.")
        case 405:
            return Problem(405, "MethodNotAllowed", "The address does not take this method.")
        case 413:
            return Problem(413, "TooLarge", "The body is larger than this address takes.")
        case status if status < 500:
            return Problem(status, "Unreadable", "The request cannot be read.")
        case _:
            return _unforeseen(error)


def _unforeseen(error: Exception) -> Problem:
    reference = secrets.token_hex(6)
    _log.error("request failed, reference %s", reference, exc_info=error)
    return Problem(
        500,
        "Failed",
        "This failed for a reason that nobody foresaw. The log names it under the reference.",
        reference=reference,
    )


def answer_with_problems(api: FastAPI) -> None:
    """Makes every error that a route raises a problem."""

    def answer(_: Request, error: Exception) -> Response:
        return problem_of(error).response()

    foreseen = (
        Problem,
        Refused,
        RequestValidationError,
        ValidationError,
        Conflict,
        ClaimTaken,
        KeyReused,
        TooBusy,
        ViewNotReady,
        psycopg.Error,
        PoolTimeout,
        HTTPException,
    )
    for kind in foreseen:
        api.add_exception_handler(kind, answer)


class Failures:
    """Answers with a problem where nothing else did, and never with a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001  # the last stop before the server
            problem = problem_of(error)
            if not started:
                await problem.response()(scope, receive, send)


SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would make browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""On every answer that does not say otherwise itself."""


class SecurityHeaders:
    """Tells browsers what they may do with our answers: as little as possible."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)

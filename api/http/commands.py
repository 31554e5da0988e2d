"""POST /api/commands/<name>: one address per command, made from the command itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Header
from pydantic import BeforeValidator
from starlette.responses import Response

from api.http.access import Sender
from api.http.answers import OutcomeBody, answer, etag, outcome_body, problems
from api.http.problems import Problem, problem_of
from commands.bus import Bus
from commands.desk import Actor, Ask, Outcome
from commands.registry import COMMANDS, Command, CommandType
from domain.kernel import new_id, sentence
from event_store.store import Conflict, EventStore

IDEMPOTENCY_KEY_MAX = 200
"""Characters of a key."""
NEWER_MAX = 20
"""The most newer events that a stale version is told about."""

_KEYS = UUID("6f1f2f6e-4a53-5d0c-9d0e-0f8f2d0a6b11")
_VERSION = re.compile(r'(?:W/)?"?(\d{1,9})"?')


def _version(given: object) -> object:
    if given is None:
        return None
    match = _VERSION.fullmatch(str(given).strip())
    if match is None:
        raise ValueError('has to be one version of the record, such as "7"')
    return int(match[1])


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=IDEMPOTENCY_KEY_MAX,
        description="Any text of yours: the same key again is answered with the first outcome.",
    ),
]
IfMatch = Annotated[
    int | None,
    BeforeValidator(_version),
    Header(alias="If-Match", description='The version that you saw, such as `"7"`.'),
]


def command_id(actor: Actor, key: str | None) -> UUID:
    """The id of a command: one that follows from the sender's key, or a new one."""
    return uuid5(_KEYS, f"{actor.id}\n{key}") if key else new_id()


def asked(
    command: Command, actor: Actor, key: str | None, expected: int | None, source: str = "api"
) -> Ask:
    """A command as it came in, ready for the bus."""
    return Ask(
        command,
        actor,
        command_id(actor, key),
        remember=key is not None,
        expected=expected,
        source=source,
    )


def stale(store: EventStore, conflict: Conflict) -> Problem:
    """The answer to whoever has seen an older version: what has happened since."""
    newer = [it for it in store.read(conflict.stream) if it.version > conflict.expected]
    events = [
        {
            "version": it.version,
            "name": it.name,
            "sentence": sentence(it.event),
            "actor": it.actor,
            "recorded_at": it.recorded_at,
        }
        for it in newer[-NEWER_MAX:]
    ]
    return Problem(
        412,
        "Stale",
        f"The record is at version {conflict.actual}, not {conflict.expected}.",
        stream=conflict.stream,
        version=conflict.actual,
        newer=events,
    )


def not_done(store: EventStore, ask: Ask, error: Exception) -> Problem:
    """Why a command was not carried out."""
    if isinstance(error, Conflict):
        if ask.expected is not None:
            return stale(store, error)
        return Problem(
            503, "TooBusy", "Others keep changing this record. Try again.", retry_after=1
        )
    return problem_of(error)


def command_routes(bus: Bus) -> APIRouter:
    """One address per registered command."""
    router = APIRouter(prefix="/api/commands", tags=["commands"])
    for kind in COMMANDS.values():
        router.add_api_route(
            f"/{kind.name}",
            _endpoint(kind, bus),
            methods=["POST"],
            name=kind.name,
            operation_id=kind.name,
            summary=kind.title,
            response_class=Response,
            responses={
                200: {"model": OutcomeBody, "description": "What it did"},
                **problems(400, 401, 404, 409, 412, 413, 422, 503),
            },
        )
    return router


def _endpoint(kind: CommandType, bus: Bus) -> Callable[..., Response]:
    def endpoint(
        command: Command, sender: Sender, key: IdempotencyKey = None, version: IfMatch = None
    ) -> Response:
        ask = asked(command, sender, key, version)
        try:
            outcome = bus.dispatch(ask)
        except Conflict as conflict:
            raise not_done(bus.store, ask, conflict) from conflict
        return outcome_answer(outcome)

    # The parameter's type is only known here: it is what makes the address this command's.
    endpoint.__annotations__["command"] = kind.model
    return endpoint


def outcome_answer(outcome: Outcome) -> Response:
    headers = {"ETag": etag(outcome.version)} if outcome.stream else {}
    body: dict[str, Any] = outcome_body(outcome)
    return answer(body, outcome.position, headers)

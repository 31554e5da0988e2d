"""POST /api/commands: many commands as lines of JSON, each answered by a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.http.access import Sender
from api.http.answers import POSITION_HEADER, encode_line, outcome_body, problems
from api.http.commands import IDEMPOTENCY_KEY_MAX, asked, not_done
from api.http.problems import Problem, problem_of
from commands.bus import Bus
from commands.desk import Actor, Ask, Outcome
from commands.registry import COMMANDS
from domain.kernel import Refused
from event_store.store import ClaimTaken, Conflict, KeyReused

LINES_MAX = 10_000
BYTES_MAX = 16_000_000
CHUNK = 500
"""Commands that share a transaction."""
NDJSON = "application/x-ndjson"


class _Line(BaseModel):
    """What a line says beside the command's own fields."""

    model_config = ConfigDict(extra="allow")
    command: str
    id: str | None = Field(None, min_length=1, max_length=IDEMPOTENCY_KEY_MAX)
    if_match: int | None = Field(None, ge=0)


Answer = Outcome | Problem


@dataclass(slots=True)
class _Asked:
    """One line: what it asks, or why it cannot be asked."""

    number: int
    ask: Ask | Problem


def batch_routes(bus: Bus) -> APIRouter:
    router = APIRouter(prefix="/api/commands", tags=["commands"])

    @router.post(
        "",
        operation_id="many-commands",
        summary="Many commands, one a line; each is answered by a line, in order.",
        response_class=Response,
        responses={200: {"content": {NDJSON: {}}}, **problems(401, 413, 422)},
        openapi_extra={"requestBody": _BODY},
    )
    async def many(request: Request, sender: Sender) -> Response:
        body = await request.body()
        return await run_in_threadpool(_carry_out_all, bus, body, sender)

    return router


_BODY = {
    "required": True,
    "content": {
        NDJSON: {
            "schema": {"type": "string"},
            "example": '{"command": "rename-pipeline", "pipeline": "…", "name": "New business",'
            ' "id": "your key", "if_match": 1}\n',
        }
    },
}


def _carry_out_all(bus: Bus, body: bytes, actor: Actor) -> Response:
    lines = [(n, line) for n, line in enumerate(body.splitlines(), start=1) if line.strip()]
    if len(lines) > LINES_MAX:
        raise Problem(413, "TooLarge", f"A batch takes {LINES_MAX:,} lines at most.")
    answers: list[bytes] = []
    position = 0
    for chunk in _chunks(_asked(n, line, actor) for n, line in lines):
        for number, done in zip((it.number for it in chunk), _carry_out(bus, chunk), strict=True):
            if isinstance(done, Outcome):
                position = max(position, done.position)
            answers.append(encode_line({"line": number, **_body(done)}))
    return Response(b"".join(answers), headers={POSITION_HEADER: str(position)}, media_type=NDJSON)


def _body(done: Answer) -> dict[str, Any]:
    return done.body() if isinstance(done, Problem) else {"status": 200, **outcome_body(done)}


def _asked(number: int, line: bytes, actor: Actor) -> _Asked:
    try:
        return _Asked(number, _ask(line, actor))
    except Exception as error:  # noqa: BLE001  # whatever one line is, the others are carried out
        return _Asked(number, problem_of(error))


def _ask(line: bytes, actor: Actor) -> Ask:
    try:
        said = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise Problem(400, "Unreadable", "The line is not a JSON object.") from None
    about = _Line.model_validate(said)
    kind = COMMANDS.get(about.command)
    if kind is None:
        raise Problem(422, "Invalid", "There is no such command.", field="command")
    fields = {name: value for name, value in said.items() if name not in _Line.model_fields}
    return asked(kind.model.model_validate(fields), actor, about.id, about.if_match)


def _chunks(lines: Iterable[_Asked]) -> Iterator[list[_Asked]]:
    """Lines that can share a transaction: a key that comes again begins the next one."""
    chunk: list[_Asked] = []
    ids: set[UUID] = set()
    for line in lines:
        again = isinstance(line.ask, Ask) and line.ask.command_id in ids
        if again or len(chunk) == CHUNK:
            yield chunk
            chunk, ids = [], set()
        if isinstance(line.ask, Ask):
            ids.add(line.ask.command_id)
        chunk.append(line)
    if chunk:
        yield chunk


def _carry_out(bus: Bus, chunk: list[_Asked]) -> list[Answer]:
    asks = [line.ask for line in chunk if isinstance(line.ask, Ask)]
    try:
        done: Iterator[Outcome | Refused | Conflict] = iter(bus.dispatch_all(asks))
    except (KeyReused, ClaimTaken, Conflict):
        # One of them spoils the transaction, so each gets its own.
        return [_carry_out_alone(bus, line.ask) for line in chunk]
    except Exception as error:  # noqa: BLE001  # the chunk was not stored; say so line by line
        problem = problem_of(error)
        return [line.ask if isinstance(line.ask, Problem) else problem for line in chunk]
    return [
        line.ask if isinstance(line.ask, Problem) else _answer(bus, line.ask, next(done))
        for line in chunk
    ]


def _answer(bus: Bus, ask: Ask, done: Outcome | Refused | Conflict) -> Answer:
    return done if isinstance(done, Outcome) else not_done(bus.store, ask, done)


def _carry_out_alone(bus: Bus, ask: Ask | Problem) -> Answer:
    if isinstance(ask, Problem):
        return ask
    try:
        return bus.dispatch(ask)
    except Exception as error:  # noqa: BLE001  # as above
        return not_done(bus.store, ask, error)

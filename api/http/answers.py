"""What answers look like on the wire, and how the API describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.http.problems import MEDIA_TYPE
from commands.desk import Outcome

POSITION_HEADER = "X-Position"

_encoder = msgspec.json.Encoder(enc_hook=str)


class OutcomeBody(BaseModel):
    """What a command did."""

    position: int = Field(description="Of its last event; give it to a read as `seen`.")
    stream: UUID | None = Field(description="The record that it changed first.")
    version: int = Field(description="Of that record now.")
    events: list[str] = Field(description="What happened; empty where there was nothing to do.")
    repeated: bool = Field(description="Whether this is the first answer once more.")


class ProblemBody(BaseModel):
    """Why something was not done (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(description="Stable, for machines: `/problems/<code>`.")
    title: str
    status: int
    detail: str = Field(description="The sentence for people.")
    field: str | None = Field(None, description="The input that is at fault, where one is.")
    reference: str | None = Field(None, description="Under which the log names the cause.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The part of a route's description that speaks of refusals."""
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    return {
        status: {"description": _MEANING[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


_MEANING = {
    400: "The body cannot be read",
    401: "No valid token",
    404: "There is no such record",
    409: "The rules of the business say no",
    412: "The record has changed since the version in If-Match",
    413: "Larger than the limit",
    422: "Some input is not valid",
    503: "Too busy, or not there yet; Retry-After says when to try again",
}


def answer(body: Any, position: int, headers: Mapping[str, str] | None = None) -> Response:
    """A read's answer, with the position of the log that it reflects."""
    return Response(
        _encoder.encode(body),
        headers={POSITION_HEADER: str(position), **(headers or {})},
        media_type="application/json",
    )


def outcome_body(outcome: Outcome) -> dict[str, Any]:
    return {
        "position": outcome.position,
        "stream": outcome.stream,
        "version": outcome.version,
        "events": outcome.events,
        "repeated": outcome.repeated,
    }


def encode_line(body: Any) -> bytes:
    """One line of NDJSON."""
    return _encoder.encode(body) + b"\n"


def etag(version: int) -> str:
    """A record's version as an entity tag."""
    return f'"{version}"'

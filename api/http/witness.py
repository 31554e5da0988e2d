"""The HTTP application of a witness: https://c2sp.org/tlog-witness."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from event_store.seals.witness import ADD_CHECKPOINT, REQUEST_BYTES_MAX, Witness


def witness_app(witness: Witness) -> Starlette:
    """The application; whoever can reach it may ask, as only the log's own signature counts."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for block in request.stream():
            body += block
            if len(body) > REQUEST_BYTES_MAX:
                return Response("the request is too large\n", 413)
        answer = await run_in_threadpool(witness.add_checkpoint, bytes(body))
        # As a header, for the framework would add a character set to a type of text.
        headers = {"content-type": answer.content_type}
        return Response(answer.body, answer.status, headers)

    return Starlette(routes=[Route(ADD_CHECKPOINT, add_checkpoint, methods=["POST"])])

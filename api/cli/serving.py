"""``crm serve``: the program that stays."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import nullcontext

import click
import uvicorn

from api.cli.common import data_option, settings, told
from api.http.app import app
from api.http.witness import witness_app
from api.kafka_roles import receiving, relaying
from api.main import Workspace
from api.seals import sealed, witness_key, witness_of
from api.settings import Settings, Unusable

STOP_SECONDS_MAX = 10
"""How long requests may take to end once the program is told to stop."""
BACKLOG_MAX = 256
CONNECTIONS_MAX = 1_000

ROLES = ("all", "web", "runner", "relay", "inbound", "witness")
"""``all`` is everything on one machine; the others are its parts on several."""


@click.command("serve")
@click.option("--role", type=click.Choice(ROLES), default="all", help="Which part of the program.")
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port; 0 takes a free one.")
@data_option
def serve_command(role: str, host: str | None, port: int | None) -> None:
    """Serve the pages and the API until stopped (Ctrl-C, SIGTERM)."""
    chosen = settings(host=host, port=port)
    logging.getLogger().setLevel(chosen.log_level.upper())
    run(chosen, role)


def run(chosen: Settings, role: str) -> None:
    """Plays a role until told to stop.

    Raises:
        Unusable: the folder, the database or the port cannot be used.
    """
    if role in ("all", "web"):
        _serve(chosen, runner=role == "all")
    elif role == "witness":
        serve_witness(chosen)
    else:
        _work(chosen, role)


def _work(chosen: Settings, role: str) -> None:
    with Workspace.open(chosen, runner=role == "runner") as workspace:
        click.echo(f"The {role} works. Stop it with Ctrl-C.", err=True)
        works = {"relay": relaying, "inbound": receiving}
        if role in works:
            _until_told(works[role](workspace))
            return
        with sealed(workspace):
            _until_told(threading.Event.wait)


def _serve(chosen: Settings, *, runner: bool) -> None:
    with (
        listening(chosen) as ear,
        Workspace.open(chosen, runner=runner) as workspace,
        sealed(workspace) if runner else nullcontext(),
    ):
        serving = app(workspace)
        config = uvicorn.Config(
            serving,
            log_config=None,
            ws="none",
            access_log=False,  # the address of the entrance holds the token
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
            limit_concurrency=CONNECTIONS_MAX,
        )
        host, port = ear.getsockname()[:2]
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1", "::") else host  # noqa: S104
        click.echo(f"http://{shown}:{port}/enter?token={chosen.access_token()}")
        click.echo("Open it in a browser. Stop with Ctrl-C.", err=True)
        with told(lambda: None):  # uvicorn raises the signal again after it has stopped
            _Server(config, on_stop=serving.state.live.close).run(sockets=[ear])


class _Server(uvicorn.Server):
    """Ends the answers that would never end by themselves when it is told to stop."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


def serve_witness(chosen: Settings, logs: tuple[str, ...] = ()) -> None:
    """Cosigns the checkpoints of logs until told to stop. It opens no database.

    Raises:
        Unusable: a key, the folder or the port cannot be used, or no log is named.
    """
    witness = witness_of(chosen, logs)
    with listening(chosen) as ear:
        host, port = ear.getsockname()[:2]
        key = witness_key(chosen).verifier.text
        click.echo(f"CRM_WITNESSES='http://{host}:{port} {key}'")
        click.echo("This is what its logs are told. Stop with Ctrl-C.", err=True)
        config = uvicorn.Config(
            witness_app(witness),
            log_config=None,
            ws="none",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
            limit_concurrency=CONNECTIONS_MAX,
        )
        with told(lambda: None):
            uvicorn.Server(config).run(sockets=[ear])


def listening(chosen: Settings) -> socket.socket:
    """The port, taken before anything else is started.

    Raises:
        Unusable: someone else has it.
    """
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    # Only where TCP is named does asyncio switch off the delay of small answers.
    ear = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        ear.bind((chosen.host, chosen.port))
        ear.listen(BACKLOG_MAX)
    except OSError as taken:
        ear.close()
        raise Unusable(
            f"Port {chosen.port} on {chosen.host} cannot be used: {taken.strerror}."
            " --port names another one; 0 takes a free one."
        ) from None
    return ear


def _until_told(work: Callable[[threading.Event], object]) -> None:
    stop = threading.Event()
    with told(stop.set):
        work(stop)

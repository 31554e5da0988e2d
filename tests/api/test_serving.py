"""The program as it is started by people: real processes, real signals."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from api.cli.serving import listening
from api.settings import Settings, variables

CRM = [sys.executable, "-m", "api.cli"]
ROOT = Path(__file__).parents[2]
SECONDS_MAX = 120


def environment(**given: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in variables()}
    return {**inherited, "PYTHONPATH": str(ROOT), **given}


def crm(folder: Path, *arguments: str, code: int = 0, **given: str) -> str:
    """Runs the CLI to its end and returns what it said, errors included."""
    done = subprocess.run(
        [*CRM, "--data", str(folder), *arguments],
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@contextmanager
def started(folder: Path, *arguments: str, **given: str) -> Iterator[subprocess.Popen[str]]:
    """A program that stays; whatever a test does, it is gone afterwards."""
    program = subprocess.Popen(
        [*CRM, "--data", str(folder), *arguments],
        env=environment(**given),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
        program.communicate()


def stopped(program: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> int:
    """The exit code of a program that was told to stop."""
    program.send_signal(how)
    return program.wait(SECONDS_MAX)


def entered(program: subprocess.Popen[str]) -> httpx.Client:
    """Somebody with the token that a server has printed."""
    assert program.stdout is not None
    address = urlsplit(program.stdout.readline().strip())
    token = address.query.removeprefix("token=")
    return httpx.Client(
        base_url=f"http://127.0.0.1:{address.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small demo company."""
    folder = tmp_path_factory.mktemp("company")
    assert "events" in crm(folder, "demo", "--small", "--no-serve")
    return folder


def test_a_demo_that_is_there_is_not_made_again(company: Path) -> None:
    before = len(json.loads(crm_rows(company, "log", "--limit", "100000")))
    crm(company, "demo", "--small", "--no-serve")
    assert len(json.loads(crm_rows(company, "log", "--limit", "100000"))) == before


def crm_rows(folder: Path, *arguments: str) -> str:
    """The standard output of a command, as JSON."""
    done = subprocess.run(
        [*CRM, "--data", str(folder), *arguments, "--format", "json"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=True,
    )
    return done.stdout


def test_one_folder_is_served_asked_and_written_at_once(company: Path) -> None:
    with started(company, "serve", "--port", "0") as server, entered(server) as client:
        assert client.get("/readyz").text == "ok\n"
        assert client.get("/api/account").json()["count"] > 10
        made = json.loads(crm_rows(company, "do", "open-account", "name=From the terminal"))
        found = client.get(f"/api/account/{made['stream']}", params={"seen": made["position"]})
        assert found.json()["record"]["name"] == "From the terminal"
        views = {it["view"]: it for it in json.loads(crm_rows(company, "status"))}
        assert views["accounts"]["position"] >= made["position"]
        assert stopped(server) == 0
    assert not (company / "pgdata" / "postmaster.pid").exists()


def test_pages_are_there_for_who_has_entered(company: Path) -> None:
    with started(company, "serve", "--port", "0") as server, entered(server) as client:
        page = client.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert stopped(server, signal.SIGINT) == 0


def test_a_port_that_is_taken_is_said_before_anything_is_started(
    company: Path, tmp_path: Path
) -> None:
    with started(company, "serve", "--port", "0") as server, entered(server) as client:
        port = str(client.base_url.port)
        told = crm(tmp_path / "other", "serve", "--port", port, code=1)
        assert told.startswith(f"Error: Port {port} on 127.0.0.1 cannot be used")
        assert not (tmp_path / "other" / "pgdata").exists()
        assert stopped(server) == 0


def test_a_listener_does_not_keep_the_server_from_stopping(company: Path) -> None:
    with (
        started(company, "serve", "--port", "0") as server,
        entered(server) as client,
        client.stream("GET", "/live") as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        assert stopped(server) == 0
        assert list(lines) == [""]


def test_roles_share_the_work(address: str, tmp_path: Path) -> None:
    shared = {"DATABASE_URL": address, "CRM_TOKEN": "a token for all roles"}
    with (
        started(tmp_path, "serve", "--role", "web", "--port", "0", **shared) as web,
        started(tmp_path, "serve", "--role", "runner", **shared) as runner,
        entered(web) as client,
    ):
        made = client.post("/api/commands/open-account", json={"name": "Acme"}).json()

        def shown() -> bool:
            found = client.get(f"/api/account/{made['stream']}", params={"seen": made["position"]})
            return found.status_code == 200

        until(shown)
        assert stopped(runner) == 0
        made = client.post("/api/commands/open-account", json={"name": "Late"}).json()
        assert client.get(f"/api/account/{made['stream']}").status_code == 404
        assert stopped(web) == 0


def test_a_relay_needs_a_kafka(address: str, tmp_path: Path) -> None:
    told = crm(tmp_path, "serve", "--role", "relay", code=1, DATABASE_URL=address)
    assert "KAFKA_BOOTSTRAP_SERVERS" in told


MAP = """
source: test
files:
  - match: "*.csv"
    do:
      - command: open-account
        fields:
          account: {id: number}
          name: name
"""
ROWS = 20_000


def test_an_import_that_is_interrupted_goes_on(address: str, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    with (tmp_path / "rows.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["number", "name"])
        rows.writerows([n, f"Account {n}"] for n in range(ROWS))
    command = ("import", str(tmp_path / "rows.csv"), "--map", str(tmp_path / "map.yaml"))
    folder = tmp_path / "data"

    def stored() -> int:
        with psycopg.connect(address) as conn:
            row = conn.execute("SELECT count(*) FROM log.events").fetchone()
        return row[0] if row else 0

    before = stored()
    with started(folder, *command, DATABASE_URL=address) as importing:
        until(lambda: stored() > before)
        assert stopped(importing, signal.SIGINT) == 1
        assert importing.stderr is not None
        assert "The same command goes on from there" in importing.stderr.read()
    assert "Going on after" in crm(folder, *command, DATABASE_URL=address)
    assert "were imported before" in crm(folder, *command, DATABASE_URL=address)
    assert stored() == before + ROWS


def test_small_answers_are_not_held_back() -> None:
    """asyncio switches Nagle's algorithm off only for sockets that name TCP."""
    with listening(Settings.read(port=0)) as ear:
        assert ear.proto == socket.IPPROTO_TCP


def test_help_is_there_at_once_because_nothing_is_loaded_for_it() -> None:
    program = "import api.cli, sys; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"fastapi", "pydantic", "psycopg", "duckdb", "msgspec", "commands", "uvicorn"}
    assert not heavy & set(done.stdout.split())

"""A workspace on the real PostgreSQL, and the real server in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.http.app import app
from api.main import Workspace
from api.settings import Settings
from event_store.schema import migrate
from tests.serving import served

TOKEN = "a token for tests"  # noqa: S105


@pytest.fixture(scope="module")
def address(server_dsn: str) -> Iterator[str]:
    """The DSN of a database that the tests of a module share."""
    name = f"api_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    dsn = make_conninfo(server_dsn, dbname=name)
    migrate(dsn)
    yield dsn
    with psycopg.connect(server_dsn, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def workspace(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose views are kept up to date."""
    settings = Settings.read(
        database_url=address, data=tmp_path_factory.mktemp("data"), token=TOKEN
    )
    with Workspace.open(settings, runner=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    with served(app(workspace)) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    """Somebody who holds the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as somebody:
        yield somebody


@pytest.fixture(scope="module")
def stranger(url: str) -> Iterator[httpx.Client]:
    """Somebody who does not."""
    with httpx.Client(base_url=url, timeout=30) as somebody:
        yield somebody


Done = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def done(client: httpx.Client) -> Done:
    """Carries out a command that must not be refused, and returns its outcome."""

    def carry_out(name: str, /, **fields: Any) -> dict[str, Any]:
        answer = client.post(f"/api/commands/{name}", json=fields)
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()
        return outcome

    return carry_out


@pytest.fixture
def pipeline(done: Done) -> str:
    """A pipeline with two open stages."""
    stages = [
        {"name": "New"},
        {"name": "Offer"},
        {"name": "Won", "kind": "won"},
        {"name": "Lost", "kind": "lost"},
    ]
    return str(done("define-pipeline", name="Sales", stages=stages)["stream"])


@pytest.fixture
def opportunity(done: Done, pipeline: str) -> str:
    """An open opportunity at version 1."""
    return str(done("open-opportunity", name="Acme", pipeline=pipeline, stage="New")["stream"])

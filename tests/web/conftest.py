"""The pages of a small company, served for real, and a browser to look at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser
from psycopg.conninfo import make_conninfo

from api.http.access import COOKIE, session_of
from api.http.app import app
from api.main import Workspace
from api.settings import Settings
from event_store.schema import migrate
from tests.serving import START_SECONDS_MAX, served
from tests.web import company
from tests.web.browser import chromium, launched

TOKEN = "a token for tests"  # noqa: S105


@contextmanager
def fresh_database(server_dsn: str) -> Iterator[str]:
    """The DSN of a database of one's own."""
    name = f"web_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    dsn = make_conninfo(server_dsn, dbname=name)
    migrate(dsn)
    yield dsn
    with psycopg.connect(server_dsn, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def opened(dsn: str, folder: Any, member: str | None = None) -> Iterator[Workspace]:
    settings = Settings.read(database_url=dsn, data=folder, token=TOKEN, member=member)
    with Workspace.open(settings, runner=True) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def workspace(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The company, with Mara looking at it."""
    folder = tmp_path_factory.mktemp("data")
    with fresh_database(server_dsn) as dsn, opened(dsn, folder, str(company.MARA)) as workspace:
        company.found(workspace.bus)
        assert workspace.runner.wait_for(workspace.store.head(), START_SECONDS_MAX)
        yield workspace


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    with served(app(workspace)) as address:
        yield address


def person(url: str) -> httpx.Client:
    """Somebody who is signed in and asks for pages."""
    return httpx.Client(
        base_url=url,
        cookies={COOKIE: session_of(TOKEN)},
        headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
        timeout=30,
    )


@pytest.fixture(scope="module")
def visitor(url: str) -> Iterator[httpx.Client]:
    with person(url) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium here; CHROMIUM names one")
    with launched(path) as started:
        yield started

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from api.http.access import COOKIE, OPEN_PATHS
from api.http.app import app
from api.http.problems import SECURITY_HEADERS
from api.main import Workspace
from tests.api.conftest import TOKEN


@pytest.fixture
def visitor(url: str) -> Iterator[httpx.Client]:
    """A browser that has entered."""
    with httpx.Client(base_url=url) as browser:
        answer = browser.get("/enter", params={"token": TOKEN})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        yield browser


def test_nothing_but_health_is_open(stranger: httpx.Client, workspace: Workspace) -> None:
    for route in app(workspace).openapi()["paths"]:
        path = route.replace("{id}", "x").replace("{name}", "x")
        if path in OPEN_PATHS or path.startswith("/problems/"):
            continue
        for method in ("GET", "POST", "DELETE"):
            answer = stranger.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.json()["type"] == "/problems/NotSignedIn"
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_health_is_open(stranger: httpx.Client) -> None:
    assert stranger.get("/healthz").text == "ok\n"
    assert stranger.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xff"]
)
def test_another_token_does_not_help(stranger: httpx.Client, header: str) -> None:
    answer = stranger.get("/api/log", headers={b"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_the_token_is_no_cookie_and_the_cookie_no_token(
    stranger: httpx.Client, visitor: httpx.Client
) -> None:
    session = visitor.cookies[COOKIE]
    assert TOKEN not in session
    bearer = {"Authorization": f"Bearer {session}"}
    assert stranger.get("/api/log", headers=bearer).status_code == 401
    cookie = {"Cookie": f"{COOKIE}={TOKEN}"}
    assert stranger.get("/api/log", headers=cookie).status_code == 401


def test_a_cookie_reads(visitor: httpx.Client) -> None:
    assert visitor.get("/api/log").status_code == 200


def test_the_cookie_is_kept_from_scripts_and_other_sites(url: str) -> None:
    answer = httpx.get(f"{url}/enter", params={"token": TOKEN})
    said = answer.headers["Set-Cookie"].lower()
    assert "httponly" in said
    assert "samesite=lax" in said


def test_a_wrong_token_does_not_enter(url: str) -> None:
    for token in ("wrong", "", "\0"):
        answer = httpx.get(f"{url}/enter", params={"token": token})
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 422),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, 403),
        ({"Origin": "{own}"}, 422),
    ],
)
def test_with_a_cookie_only_our_own_pages_change_things(
    visitor: httpx.Client, url: str, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(own=url) for name, value in headers.items()}
    answer = visitor.post("/api/commands/rename-pipeline", json={}, headers=sent)
    assert answer.status_code == status


def test_every_answer_tells_browsers_what_they_may_do(
    client: httpx.Client, stranger: httpx.Client
) -> None:
    answers = [
        client.get("/api/log"),
        stranger.get("/api/log"),
        client.get("/nowhere"),
        client.post("/api/commands/fly", json={}),
        client.post("/api/commands", content=b" " * 20_000_000),
        stranger.get("/healthz"),
    ]
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value, (answer.url, name)
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_no_page_that_loads_scripts_from_elsewhere(workspace: Workspace) -> None:
    paths = {route.path for route in app(workspace).routes if isinstance(route, APIRoute)}
    assert not {"/docs", "/redoc"} & paths

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.openapi.models import OpenAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.http.app import meanings
from api.nouns import VIEW_OF
from commands.registry import COMMANDS
from domain.kernel import Refused

FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def described(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_description_is_valid(described: dict[str, Any]) -> None:
    OpenAPI.model_validate(described)
    operations = [it for path in described["paths"].values() for it in path.values()]
    ids = [it["operationId"] for it in operations]
    assert len(ids) == len(set(ids))
    for reference in references(described):
        part: Any = described
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


def test_it_names_every_command_with_its_fields(described: dict[str, Any]) -> None:
    for name, kind in COMMANDS.items():
        operation = described["paths"][f"/api/commands/{name}"]["post"]
        assert operation["operationId"] == name
        assert operation["summary"] == kind.title
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        schema = described["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        assert schema["properties"].keys() == kind.model.model_fields.keys()
        headers = {it["name"] for it in operation["parameters"]}
        assert headers == {"Idempotency-Key", "If-Match"}
        assert {"200", "404", "409", "412", "422", "503"} <= operation["responses"].keys()


def test_every_read_takes_the_two_clocks_and_a_position(described: dict[str, Any]) -> None:
    timeless = ("/api/metrics", "/api/schema", "/api/commands", "/live", "/problems/")
    for path, operations in described["paths"].items():
        if "get" in operations and path.startswith("/api/") and path not in timeless:
            named = {it["name"] for it in operations["get"]["parameters"]}
            assert {"at", "knew", "seen"} <= named, path


def test_filters_are_described(described: dict[str, Any]) -> None:
    for noun in VIEW_OF:
        named = {it["name"] for it in described["paths"][f"/api/{noun}"]["get"]["parameters"]}
        assert {"id", "changed_at", "order", "after", "limit"} <= named


def test_every_problem_has_a_page(client: httpx.Client) -> None:
    assert "OpportunityIsClosed" in meanings()
    for code in ("OpportunityIsClosed", "Stale", "NotYet"):
        body = client.get(f"/problems/{code}").json()
        assert body["type"] == f"/problems/{code}"
        assert body["detail"].endswith(".")
    assert client.get("/problems/Nothing").status_code == 404
    assert {kind.__name__ for kind in Refused.__subclasses__()} <= meanings().keys()


texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A command with fields of its own that hold anything."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    fields = st.sampled_from(sorted(COMMANDS[name].model.model_fields))
    return name, draw(st.dictionaries(fields, values, max_size=6))


def check(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        body = answer.json()
        assert {"type", "title", "status", "detail"} <= body.keys()
        assert body["status"] == answer.status_code


@FEW
@given(asked())
def test_no_input_makes_a_command_fail(
    client: httpx.Client, it: tuple[str, dict[str, Any]]
) -> None:
    name, fields = it
    body = json.dumps(fields).encode()
    headers = {"Content-Type": "application/json"}
    check(client.post(f"/api/commands/{name}", content=body, headers=headers))


@FEW
@given(st.binary(max_size=200))
def test_no_bytes_make_a_batch_fail(client: httpx.Client, body: bytes) -> None:
    check(client.post("/api/commands", content=body))


@FEW
@given(
    st.sampled_from(sorted(VIEW_OF)),
    st.dictionaries(
        st.sampled_from(["at", "knew", "seen", "order", "after", "limit", "id", "name", "version"]),
        st.sampled_from(["", "0", "-1", "1e9", "99999999999999999999", "\0", "x", "2025-01-01"])
        | texts,
        max_size=3,
    ),
)
def test_no_question_makes_a_list_fail(
    client: httpx.Client, noun: str, params: dict[str, str]
) -> None:
    if params.get("seen", "").strip().isdecimal():
        params.pop("seen")  # would be waited for
    check(client.get(f"/api/{noun}", params=params))


@FEW
@given(st.text(max_size=60))
def test_no_text_makes_a_query_fail(client: httpx.Client, sql: str) -> None:
    check(client.post("/api/query", json={"sql": sql}))


def test_texts_that_no_store_likes(client: httpx.Client, opportunity: str) -> None:
    for text in ("\\u0000", "\\ud800", "a\\u0000b", "\\ufffe", "\\u202e"):
        body = f'{{"opportunity": "{opportunity}", "name": "{text}"}}'.encode()
        headers = {"Content-Type": "application/json"}
        check(client.post("/api/commands/rename-opportunity", content=body, headers=headers))
    record = client.get(f"/api/opportunity/{opportunity}", params={"at": "2999-01-01"})
    assert record.status_code == 200

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx

from api.http.batch import BYTES_MAX, CHUNK, LINES_MAX


def send(client: httpx.Client, *lines: Any) -> list[dict[str, Any]]:
    body = b"\n".join(it if isinstance(it, bytes) else json.dumps(it).encode() for it in lines)
    answer = client.post("/api/commands", content=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.splitlines()]


def rename(opportunity: str, name: str, **more: Any) -> dict[str, Any]:
    return {"command": "rename-opportunity", "opportunity": opportunity, "name": name, **more}


def test_each_line_is_answered_in_order(client: httpx.Client, opportunity: str) -> None:
    answers = send(
        client,
        rename(opportunity, "One"),
        b"{",
        {"command": "fly"},
        rename(str(uuid4()), "Nobody"),
        {"command": "rename-opportunity", "name": "No id"},
        rename(opportunity, "Two"),
        [1],
        {"name": "no command"},
    )
    assert [(it["line"], it["status"]) for it in answers] == [
        (1, 200),
        (2, 400),
        (3, 422),
        (4, 404),
        (5, 422),
        (6, 200),
        (7, 400),
        (8, 422),
    ]
    assert [answers[0]["version"], answers[5]["version"]] == [2, 3]
    assert answers[2]["field"] == "command"
    assert answers[3]["type"] == "/problems/NoSuchOpportunity"
    assert answers[4]["field"] == "opportunity"


def test_lines_build_on_lines_and_share_a_transaction(client: httpx.Client, pipeline: str) -> None:
    ids = [str(uuid4()) for _ in range(20)]
    opened = [
        {
            "command": "open-opportunity",
            "opportunity": it,
            "name": "A",
            "pipeline": pipeline,
            "stage": "New",
        }
        for it in ids
    ]
    answers = send(client, *opened, *(rename(it, "B", if_match=1) for it in ids))
    assert [it["version"] for it in answers] == [1] * 20 + [2] * 20
    last = answers[-1]["position"]
    log = client.get("/api/log", params={"after": last - 40, "limit": 40}).json()["events"]
    assert len({event["recorded_at"] for event in log}) == 1


def test_a_stale_line_fails_alone(client: httpx.Client, opportunity: str) -> None:
    answers = send(
        client,
        rename(opportunity, "One", if_match=1),
        rename(opportunity, "Two", if_match=1),
        rename(opportunity, "Three", if_match=2),
    )
    assert [it["status"] for it in answers] == [200, 412, 200]


def test_a_key_can_come_again(client: httpx.Client, opportunity: str) -> None:
    key = str(uuid4())
    line = rename(opportunity, "Once", id=key)
    answers = send(client, line, line, rename(opportunity, "Other", id=key))
    assert [it["status"] for it in answers] == [200, 200, 422]
    assert [it.get("repeated") for it in answers] == [False, True, None]
    assert answers[0]["position"] == answers[1]["position"]
    assert send(client, line)[0]["repeated"]


def test_a_reused_key_does_not_spoil_its_chunk(client: httpx.Client, opportunity: str) -> None:
    key = str(uuid4())
    send(client, rename(opportunity, "First", id=key))
    answers = send(
        client,
        rename(opportunity, "Second"),
        rename(opportunity, "Other", id=key),
        rename(opportunity, "Third"),
    )
    assert [it["status"] for it in answers] == [200, 422, 200]
    assert [answers[0]["version"], answers[2]["version"]] == [3, 4]


def test_more_than_a_chunk(client: httpx.Client, opportunity: str) -> None:
    answers = send(client, *(rename(opportunity, f"Name {n}") for n in range(CHUNK + 1)))
    assert [it["version"] for it in answers] == list(range(2, CHUNK + 3))


def test_an_empty_batch_is_no_mistake(client: httpx.Client) -> None:
    assert send(client) == []
    assert send(client, b"", b"  ", b"\r") == []


def test_a_batch_has_its_limits(client: httpx.Client) -> None:
    for body in (b"{}\n" * (LINES_MAX + 1), b" " * (BYTES_MAX + 1)):
        answer = client.post("/api/commands", content=body)
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/TooLarge")

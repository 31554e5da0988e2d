from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from api.http.commands import IDEMPOTENCY_KEY_MAX
from api.http.limits import BODY_BYTES_MAX
from commands.registry import COMMANDS
from tests.api.conftest import Done


def test_an_outcome_says_what_happened_and_where(
    client: httpx.Client, done: Done, pipeline: str
) -> None:
    answer = client.post(
        "/api/commands/open-opportunity",
        json={"name": "Acme", "pipeline": pipeline, "stage": "New"},
    )
    body = answer.json()
    assert body["events"] == ["opportunity.opened"]
    assert (body["version"], body["repeated"]) == (1, False)
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["X-Position"] == str(body["position"])
    again = done("change-stage", opportunity=body["stream"], stage="New")
    assert (again["events"], again["version"]) == ([], 1)


def test_the_same_key_is_the_same_command(client: httpx.Client, pipeline: str) -> None:
    fields = {"name": "Once", "pipeline": pipeline, "stage": "New"}
    key = {b"Idempotency-Key": f"order “7” {uuid4()}".encode()}

    def send() -> httpx.Response:
        return client.post("/api/commands/open-opportunity", json=fields, headers=key)

    with ThreadPoolExecutor(8) as crowd:
        answers = [it.result().json() for it in [crowd.submit(send) for _ in range(16)]]
    assert len({(it["stream"], it["position"], it["version"]) for it in answers}) == 1
    assert sum(not it["repeated"] for it in answers) == 1
    assert all(it["events"] == ["opportunity.opened"] for it in answers)

    other = client.post(
        "/api/commands/open-opportunity", json=fields | {"name": "Twice"}, headers=key
    )
    assert (other.status_code, other.json()["type"]) == (422, "/problems/KeyReused")


@pytest.mark.parametrize("key", ["", "k" * (IDEMPOTENCY_KEY_MAX + 1)])
def test_a_key_has_its_limits(client: httpx.Client, key: str) -> None:
    answer = client.post("/api/commands/rename-pipeline", json={}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert "Idempotency-Key" in {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("version", ['"1"', "1", 'W/"1"'])
def test_if_match_lets_the_first_one_through(
    client: httpx.Client, opportunity: str, version: str
) -> None:
    def move(stage: str) -> httpx.Response:
        return client.post(
            "/api/commands/change-stage",
            json={"opportunity": opportunity, "stage": stage},
            headers={"If-Match": version},
        )

    assert move("Offer").headers["ETag"] == '"2"'
    late = move("New")
    body = late.json()
    assert (late.status_code, body["type"], body["version"]) == (412, "/problems/Stale", 2)
    assert [(it["name"], it["version"]) for it in body["newer"]] == [
        ("opportunity.stage_changed", 2)
    ]
    assert body["newer"][0]["actor"] == "system:operator"
    assert "New to Offer" in body["newer"][0]["sentence"]


@pytest.mark.parametrize("version", ["*", '"1", "2"', "-1", "one", "99999999999999999999"])
def test_if_match_takes_one_version(client: httpx.Client, opportunity: str, version: str) -> None:
    answer = client.post(
        "/api/commands/rename-opportunity",
        json={"opportunity": opportunity, "name": "x"},
        headers={"If-Match": version},
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "If-Match")


def test_of_many_with_one_version_one_wins(client: httpx.Client, opportunity: str) -> None:
    def rename(n: int) -> int:
        return client.post(
            "/api/commands/rename-opportunity",
            json={"opportunity": opportunity, "name": f"Name {n}"},
            headers={"If-Match": "1"},
        ).status_code

    with ThreadPoolExecutor(8) as crowd:
        statuses = list(crowd.map(rename, range(16)))
    assert sorted(statuses) == [200] + [412] * 15


def test_a_refusal_is_a_sentence(client: httpx.Client, done: Done, opportunity: str) -> None:
    done("lose-opportunity", opportunity=opportunity, lost_reason="price")
    answer = client.post(
        "/api/commands/change-stage", json={"opportunity": opportunity, "stage": "Offer"}
    )
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, body["type"]) == (409, "/problems/OpportunityIsClosed")
    assert body["detail"] == "A closed opportunity stays where it is. Reopen it first."
    assert body["title"] == "Opportunity is closed"


def test_an_unknown_record_is_not_found(client: httpx.Client) -> None:
    answer = client.post(
        "/api/commands/rename-opportunity", json={"opportunity": str(uuid4()), "name": "x"}
    )
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/NoSuchOpportunity")


def test_each_wrong_field_is_named(client: httpx.Client) -> None:
    answer = client.post(
        "/api/commands/open-opportunity",
        json={"name": "", "pipeline": "no uuid", "amount": "much", "colour": "red"},
    )
    body = answer.json()
    assert answer.status_code == 422
    fields = {error["field"] for error in body["errors"]}
    assert fields == {"name", "pipeline", "amount", "colour", "stage"}
    assert body["field"] in fields
    assert "no uuid" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"[" * 50_000, b"\xff{}"])
def test_what_is_not_a_command_is_no_failure(client: httpx.Client, body: bytes) -> None:
    answer = client.post(
        "/api/commands/rename-pipeline", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_large_body_is_refused(client: httpx.Client) -> None:
    answer = client.post("/api/commands/rename-pipeline", json={"name": "x" * (BODY_BYTES_MAX + 1)})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/TooLarge")


def test_a_large_body_without_a_length_is_refused(client: httpx.Client) -> None:
    pieces = (b" " * 100_000 for _ in range(20))
    answer = client.post("/api/commands/rename-pipeline", content=pieces)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/TooLarge")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_reachable(client: httpx.Client, name: str) -> None:
    answer = client.post(f"/api/commands/{name}", json={"no such field": 1})
    assert answer.status_code == 422
    assert "no such field" in {error["field"] for error in answer.json()["errors"]}


def test_an_unknown_command_is_not_there(client: httpx.Client) -> None:
    assert client.post("/api/commands/fly", json={}).status_code == 404


def test_history_can_be_entered_afterwards_but_not_beforehand(
    client: httpx.Client, done: Done, opportunity: str
) -> None:
    fields = {"opportunity": opportunity, "name": "Then", "reason": "told on the phone"}
    done("rename-opportunity", **fields, occurred_at="2025-01-01T00:00:00Z")
    answer = client.post(
        "/api/commands/rename-opportunity", json=fields | {"occurred_at": "2999-01-01T00:00:00Z"}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "occurred_at")

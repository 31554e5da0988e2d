from __future__ import annotations

import json
import logging
import re
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from api.http.problems import Problem, problem_of, title
from api.main import Workspace
from commands.desk import Ask, Outcome
from domain.kernel import Refused
from event_store.store import ClaimTaken, Conflict, KeyReused, TooBusy
from projections.questions import ViewNotReady


class NoSuchThing(Refused):
    """There is no thing “{name}”."""


class ThingIsOld(Refused):
    """The thing is too old."""


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoSuchThing(name="x"), 404, "NoSuchThing"),
        (ThingIsOld(field="age"), 409, "ThingIsOld"),
        (Conflict(uuid4(), 1, 2), 412, "Stale"),
        (ClaimTaken("e-mail address", uuid4()), 409, "Taken"),
        (KeyReused(), 422, "KeyReused"),
        (TooBusy(3), 503, "TooBusy"),
        (ViewNotReady(), 503, "NotYet"),
        (psycopg.OperationalError("gone"), 503, "Unavailable"),
        (PoolTimeout(), 503, "Unavailable"),
        (HTTPException(404), 404, "NotFound"),
        (HTTPException(405), 405, "MethodNotAllowed"),
        (HTTPException(413), 413, "TooLarge"),
        (HTTPException(418), 418, "Unreadable"),
        (ZeroDivisionError("secret"), 500, "Failed"),
        (HTTPException(500), 500, "Failed"),
    ],
)
def test_every_error_is_a_problem(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)
    body = problem.body()
    assert (problem.status, body["type"], body["status"]) == (status, f"/problems/{code}", status)
    assert body["detail"].endswith(".")
    assert body["title"] == title(code)
    assert "secret" not in str(body)
    assert ("Retry-After" in problem.response().headers) == (status == 503)


def test_a_refusal_brings_its_field_and_facts() -> None:
    assert problem_of(ThingIsOld(field="age")).body()["field"] == "age"
    body = problem_of(NoSuchThing(name="x")).body()
    assert (body["facts"], body["detail"]) == ({"name": "x"}, "There is no thing “x”.")
    assert "field" not in body


def test_who_holds_a_value_is_told() -> None:
    owner = uuid4()
    body = problem_of(ClaimTaken("e-mail address", owner)).body()
    assert body["existing"] == {"kind": "e-mail address", "record": owner}


def test_titles_are_the_words_of_the_code() -> None:
    assert title("OpportunityIsClosed") == "Opportunity is closed"
    assert title("Stale") == "The record has changed since it was read"


def test_a_wait_is_told_in_whole_seconds() -> None:
    assert problem_of(TooBusy(0.2)).response().headers["Retry-After"] == "1"
    assert problem_of(TooBusy(7.6)).response().headers["Retry-After"] == "8"


def test_what_nobody_foresaw_is_in_the_log_under_its_reference(
    client: httpx.Client,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Ask) -> Outcome:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(workspace.bus, "dispatch", fail)
    with caplog.at_level(logging.ERROR, "crm.http"):
        answer = client.post("/api/commands/open-account", json={"name": "Acme"})
    body = answer.json()
    assert (answer.status_code, body["type"]) == (500, "/problems/Failed")
    assert "secret" not in answer.text
    assert re.fullmatch(r"[0-9a-f]{12}", body["reference"])
    (record,) = [it for it in caplog.records if body["reference"] in it.getMessage()]
    assert record.exc_info is not None


def test_a_batch_that_fails_says_so_line_by_line(
    client: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> list[Outcome]:
        raise TooBusy(2)

    monkeypatch.setattr(workspace.bus, "dispatch_all", busy)
    line = b'{"command": "open-account", "name": "Acme"}\n'
    answers = client.post("/api/commands", content=line + b"{\n" + line)
    statuses = [json.loads(line)["status"] for line in answers.content.splitlines()]
    assert statuses == [503, 400, 503]


def test_a_problem_can_be_raised_as_it_is() -> None:
    problem = Problem(422, "Invalid", "No.", field="x")
    assert problem_of(problem) is problem


def test_a_unique_value_that_is_taken_names_its_holder(client: httpx.Client) -> None:
    address = f"{uuid4()}@example.org"
    first = client.post("/api/commands/add-contact", json={"last_name": "A", "email": address})
    second = client.post("/api/commands/add-contact", json={"last_name": "B", "email": address})
    assert second.status_code == 409
    assert first.json()["stream"] in second.text


def test_numbers_for_monitoring(client: httpx.Client) -> None:
    lines = client.get("/metrics").text.splitlines()
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    family = ""
    for line in lines:
        if line.startswith("# TYPE"):
            family = line.split()[2]
        else:
            assert re.fullmatch(rf'{family}(\{{\w+="\w+"\}})? [\d.]+', line), line
    assert 'crm_view_failed{view="accounts"} 0' in lines

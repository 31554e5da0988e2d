from __future__ import annotations

from typing import Any

import httpx
import pytest

from projections.analytics.definitions import metrics
from tests.api.conftest import Done


def ask(client: httpx.Client, sql: str, **params: Any) -> httpx.Response:
    return client.post("/api/query", json={"sql": sql}, params=params)


def test_a_query_sees_what_was_written(client: httpx.Client, done: Done) -> None:
    outcome = done("open-account", name="Queried", occurred_at="2025-05-01T00:00:00Z")
    sql = f"SELECT count(*) AS n FROM events WHERE stream = '{outcome['stream']}'"  # noqa: S608
    answer = ask(client, sql)
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["rows"] == [{"n": 1}]
    assert body["position"] >= outcome["position"]
    assert answer.headers["X-Position"] == str(body["position"])
    assert ask(client, sql, at="2025-04-30").json()["rows"] == [{"n": 0}]
    assert ask(client, sql, at="2025-05-01").json()["rows"] == [{"n": 1}]
    assert ask(client, sql, knew="2025-05-01").json()["rows"] == [{"n": 0}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT",
        "DELETE FROM events",
        "SELECT 1; SELECT 2",
        "COPY events TO 'x.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "ATTACH 'x.db'",
        "SET memory_limit = '100GB'",
        "\0",
        "SELECT $1",
    ],
)
def test_a_query_reads_and_does_nothing_else(client: httpx.Client, sql: str) -> None:
    answer = ask(client, sql)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/BadQuery")
    assert answer.json()["field"] == "sql"


def test_a_mistake_is_placed(client: httpx.Client) -> None:
    body = ask(client, "SELECT 1\nFROM nowhere").json()
    assert body["line"] == 2


def test_numbers_of_any_size_are_sent(client: httpx.Client) -> None:
    sql = "SELECT 2::HUGEINT ** 100 AS h, 1.5::DECIMAL(9, 2) AS d, 'nan'::DOUBLE AS n, [1] AS l"
    row = ask(client, sql).json()["rows"][0]
    assert (row["d"], row["n"], row["l"]) == ("1.50", None, [1])


@pytest.mark.parametrize("body", [{}, {"sql": ""}, {"sql": "x" * 20_001}, {"sql": "x", "y": 1}])
def test_a_question_has_its_form(client: httpx.Client, body: dict[str, str]) -> None:
    assert client.post("/api/query", json=body).status_code == 422


def test_metrics_are_listed_with_their_settings(client: httpx.Client) -> None:
    listed = {it["name"]: it for it in client.get("/api/metrics").json()["metrics"]}
    assert listed.keys() == metrics().keys()
    assert all(it["definition"] for it in listed.values())


@pytest.mark.parametrize("name", sorted(metrics()))
def test_every_metric_explains_itself(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/api/metrics/{name}", params={"at": "2025-01-01"})
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["name"] == name
    assert body["sql"]
    assert body["definition"]
    assert body["at"].startswith("2025-01-01T23:59:59")


def test_a_metric_that_is_not_there(client: httpx.Client) -> None:
    assert client.get("/api/metrics/nothing").status_code == 404


def test_a_setting_that_does_not_fit(client: httpx.Client) -> None:
    answer = client.get("/api/metrics/retention", params={"zone": "Mars"})
    assert (answer.status_code, answer.json()["field"]) == (422, "zone")
    answer = client.get("/api/metrics/retention", params={"colour": "red"})
    assert (answer.status_code, answer.json()["field"]) == (422, "colour")


def test_the_schema_names_what_can_be_queried(client: httpx.Client) -> None:
    relations = {it["name"]: it for it in client.get("/api/schema").json()["relations"]}
    assert "events" in relations
    assert {"name", "type"} <= relations["events"]["columns"][0].keys()

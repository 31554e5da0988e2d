"""What people see while the database is away for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import psycopg

from tests.api.conftest import Done

SECONDS_MAX = 60


def cut_off(address: str) -> None:
    """Ends every connection to the database, as a restart of the server would."""
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def until_well(ask: Callable[[], httpx.Response]) -> list[int]:
    """The statuses of a request that is sent until it is answered as it should be."""
    deadline = time.monotonic() + SECONDS_MAX
    statuses = [ask().status_code]
    while statuses[-1] != 200:
        assert time.monotonic() < deadline, statuses
        time.sleep(0.1)
        statuses.append(ask().status_code)
    return statuses


def test_an_outage_is_a_503_and_passes(
    client: httpx.Client, done: Done, address: str, opportunity: str
) -> None:
    position = done("rename-opportunity", opportunity=opportunity, name="Before")["position"]
    asked: list[Callable[[], httpx.Response]] = [
        lambda: client.get("/readyz"),
        lambda: client.get("/api/log"),
        lambda: client.get(f"/api/opportunity/{opportunity}"),
        lambda: client.get(f"/api/opportunity/{opportunity}", params={"seen": position}),
        lambda: client.get(f"/api/history/opportunity/{opportunity}"),
        lambda: client.get("/api/metrics/won_value"),
        lambda: client.get("/metrics"),
        lambda: client.post("/api/commands/open-account", json={"name": "After"}),
    ]
    for ask in asked:
        assert ask().status_code == 200
    for ask in asked:
        cut_off(address)
        assert set(until_well(ask)) <= {200, 503}


def test_listeners_outlive_an_outage(
    client: httpx.Client, done: Done, address: str, opportunity: str
) -> None:
    head = client.get("/api/log", params={"limit": 1}).json()["position"]
    with client.stream("GET", "/live", headers={"Last-Event-ID": str(head)}) as answer:
        lines = answer.iter_lines()
        next(lines)
        cut_off(address)
        until_well(lambda: client.get("/readyz"))
        done("lose-opportunity", opportunity=opportunity, lost_reason="price")
        assert any(line == "event: opportunity.lost" for line in lines)

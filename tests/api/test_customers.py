"""Customers all round over HTTP, and the lists that people work from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.main import Workspace
from tests.api.conftest import Done


def read(client: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["X-Position"] == str(body["position"])
    return body


def names(page: dict[str, Any]) -> list[str]:
    return [it["name"] for it in page["events"]]


@dataclass(frozen=True)
class Told:
    account: str
    contact: str
    lead: str
    position: int


@pytest.fixture
def told(done: Done, pipeline: str) -> Told:
    """A contact who was a lead, was with an account in 2025, and of whom alone all is recorded."""
    lead = done("capture-lead", last_name="Eve", occurred_at="2025-01-02T12:00:00Z")["stream"]
    account = done("open-account", name="Acme", occurred_at="2025-01-02T12:00:00Z")["stream"]
    contact = str(uuid4())
    done(
        "convert-lead",
        lead=lead,
        contact=contact,
        account=account,
        occurred_at="2025-01-03T12:00:00Z",
    )
    said = {"contact": contact, "occurred_at": "2025-02-01T12:00:00Z"}
    done("record-interaction", **said, channel="call", direction="in", subject="Price")
    done("place-order", **said, currency="EUR", lines=[{"amount": "12.50"}])
    done("open-case", **said, subject="Broken")
    deal = {"pipeline": pipeline, "stage": "New", "amount": "100", "currency": "USD"}
    last = done("open-opportunity", **said, **deal, name="Renewal")
    return Told(account, contact, lead, last["position"])


def test_an_account_all_round_has_what_its_contacts_did(client: httpx.Client, told: Told) -> None:
    body = read(client, f"/api/customers/account/{told.account}", seen=told.position)
    assert body["position"] >= told.position
    assert (body["noun"], body["record"]["name"]) == ("account", "Acme")
    circle = {"contacts": [told.contact], "leads": [told.lead], "is_whole": True}
    assert body["circle"] == circle
    figures = body["figures"]
    assert (figures["open_cases"], figures["open_tasks"], figures["talks"]) == (1, 0, 1)
    assert figures["ordered"] == {"count": 1, "sums": [{"amount": "12.50", "currency": "EUR"}]}
    assert figures["open_opportunities"]["sums"] == [{"amount": "100", "currency": "USD"}]
    assert figures["won"] == {"count": 0, "sums": []}
    assert (figures["last_talk"], figures["next_step"]) == ("2025-02-01T12:00:00Z", None)
    for view in ("contacts", "opportunities", "cases", "orders"):
        linked = body["linked"][view]
        assert (linked["count"], linked["count_is_exact"], len(linked["records"])) == (1, True, 1)
    assert names(body["timeline"])[:4] == [
        "opportunity.opened",
        "case.opened",
        "order.placed",
        "interaction.recorded",
    ]
    assert "lead.captured" in names(body["timeline"])


def test_what_a_contact_did_leaves_the_account_with_them(
    client: httpx.Client, done: Done, told: Told
) -> None:
    left = done(
        "leave-account",
        contact=told.contact,
        account=told.account,
        occurred_at="2025-06-01T12:00:00Z",
    )
    path = f"/api/customers/account/{told.account}"
    for when in ({"seen": left["position"]}, {"at": "2025-06-01"}):
        body = read(client, path, **when)
        assert [body["linked"][view]["count"] for view in ("contacts", "orders", "cases")] == [
            0
        ] * 3
        assert body["figures"]["talks"] == 0
        assert "interaction.recorded" not in names(body["timeline"])
    then = read(client, path, at="2025-05-31")
    assert [then["linked"][view]["count"] for view in ("contacts", "orders", "cases")] == [1] * 3
    assert "interaction.recorded" in names(then["timeline"])
    assert client.get(path, params={"at": "2024-01-01"}).status_code == 404
    assert client.get(path, params={"knew": "2025-06-01"}).status_code == 404


def test_a_contact_has_the_history_of_the_lead(client: httpx.Client, told: Told) -> None:
    body = read(client, f"/api/customers/contact/{told.contact}", seen=told.position)
    assert body["circle"] == {"contacts": [], "leads": [told.lead], "is_whole": True}
    assert "lead.captured" in names(body["timeline"])
    assert "contacts" not in body["linked"]
    timeline = read(client, f"/api/timeline/contact/{told.contact}")
    assert names(timeline) == names(body["timeline"])


@pytest.mark.parametrize("when", [{}, {"at": "2999-01-01"}], ids=["now", "then"])
def test_the_timeline_of_a_customer_is_that_of_their_circle_in_pages(
    client: httpx.Client, told: Told, when: dict[str, str]
) -> None:
    seen = {**when, "seen": told.position, "limit": 3}
    whole = read(client, f"/api/timeline/account/{told.account}", **{**seen, "limit": 500})
    assert {"interaction.recorded", "lead.captured"} <= {*names(whole)}
    positions: list[int] = []
    asked: dict[str, Any] = seen
    while True:
        body = read(client, f"/api/customers/account/{told.account}", **asked)
        positions += [it["position"] for it in body["timeline"]["events"]]
        if body["timeline"]["next"] is None:
            break
        asked = {**seen, "before": body["timeline"]["next"]}
    assert positions == [it["position"] for it in whole["events"]]
    assert positions == sorted({*positions}, reverse=True)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/customers/account/{nobody}", 404, "NoSuchAccount"),
        ("/api/customers/contact/{nobody}", 404, "NoSuchContact"),
        ("/api/customers/account/{contact}", 404, "NoSuchAccount"),
        ("/api/customers/lead/{nobody}", 404, "NotFound"),
        ("/api/customers/account/x", 422, "Invalid"),
        ("/api/customers/account/{nobody}?limit=501", 422, "Invalid"),
        ("/api/customers/account/{nobody}?at=yesterday", 422, "Invalid"),
    ],
)
def test_who_is_not_a_customer(
    client: httpx.Client, told: Told, path: str, status: int, code: str
) -> None:
    answer = client.get(path.format(nobody=uuid4(), contact=told.contact))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")


# --- The lists that people work from


def plan(workspace: Workspace, view: str, where: str, order: str) -> str:
    """How a page of a list is found, where neither going through all rows nor sorting them is
    cheap: as it is when there are many."""
    asked = f"EXPLAIN SELECT * FROM views.{view} WHERE {where} ORDER BY {order} LIMIT 51"  # noqa: S608
    with workspace.rows.connection() as conn, conn.transaction():
        conn.execute("SET LOCAL enable_seqscan = off")
        conn.execute("SET LOCAL enable_bitmapscan = off")
        return "\n".join(line for (line,) in conn.execute(asked.encode()))


def test_the_lead_inbox(client: httpx.Client, done: Done, workspace: Workspace) -> None:
    first, second, third = (
        done("capture-lead", last_name=f"L{n}", occurred_at=f"2025-01-0{n}T12:00:00Z")["stream"]
        for n in (1, 2, 3)
    )
    last = done("qualify-lead", lead=second, score=50)
    found = read(client, "/api/lead", status="new", seen=last["position"])["records"]
    assert [it["id"] for it in found if it["id"] in (first, second, third)] == [third, first]
    told = plan(workspace, "leads", "status = 'new'", "changed_at DESC, id")
    assert "Index Scan" in told
    assert "Sort" not in told


def test_the_task_list(client: httpx.Client, done: Done, workspace: Workspace) -> None:
    account = done("open-account", name="Acme")["stream"]
    late, soon, over = (
        done("plan-task", subject="T", due=due, about=account, noun="account")["stream"]
        for due in ("2030-02-02T12:00:00Z", "2030-01-01T12:00:00Z", "2030-01-02T12:00:00Z")
    )
    last = done("finish-task", task=over)
    asked = {"status": "open", "order": "due", "account": account, "seen": last["position"]}
    assert [it["id"] for it in read(client, "/api/task", **asked)["records"]] == [soon, late]
    told = plan(workspace, "tasks", "status = 'open'", "due, id")
    assert "Index Scan" in told
    assert "Sort" not in told


def test_the_case_queue(client: httpx.Client, done: Done, workspace: Workspace) -> None:
    account = done("open-account", name="Acme")["stream"]
    older, newer, begun = (
        done("open-case", subject="C", account=account, occurred_at=f"2025-01-0{n}T12:00:00Z")[
            "stream"
        ]
        for n in (1, 2, 3)
    )
    last = done("start-case", case=begun)
    asked = {"phase": "new", "account": account, "seen": last["position"]}
    assert [it["id"] for it in read(client, "/api/case", **asked)["records"]] == [newer, older]
    oldest_first = read(client, "/api/case", **asked, order="opened_at")["records"]
    assert [it["id"] for it in oldest_first] == [older, newer]
    for order in ("changed_at DESC, id", "opened_at, id"):
        told = plan(workspace, "cases", "phase = 'new'", order)
        assert "Index Scan" in told
        assert "Sort" not in told

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from api.http import live
from api.http.live import Live
from api.main import Workspace
from tests.api.conftest import Done

Message = dict[str, Any]


def messages(answer: httpx.Response) -> Iterator[Message]:
    """The messages of a stream, as a browser would see them."""
    message: Message = {}
    for line in answer.iter_lines():
        field, _, value = line.partition(": ")
        if line == "" and "data" in message:
            yield message
            message = {}
        elif field == "data":
            message["data"] = json.loads(value)
        elif field in ("id", "event"):
            message[field] = value


def listen(client: httpx.Client, after: int, upto: int) -> list[Message]:
    """What is told after a position, up to another one. What shares a batch with the first
    news may be told again."""
    headers = {"Last-Event-ID": str(after)}
    heard = []
    with client.stream("GET", "/live", headers=headers) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for message in messages(answer):
            heard.append(message)
            if int(message.get("id", 0)) >= upto:
                break
    return heard


def hear(stream: Iterator[Message], name: str) -> Message:
    """The next message of a name."""
    return next(it for it in stream if it["event"] == name)


def test_news_are_told_under_their_name(client: httpx.Client, done: Done, pipeline: str) -> None:
    opened = done("open-opportunity", name="Live", pipeline=pipeline, stage="New")
    at = opened["position"]
    news = next(
        it for it in listen(client, at - 1, at) if opened["stream"] in it["data"]["streams"]
    )
    assert news["event"] == news["data"]["name"] == "opportunity.opened"
    assert news["data"]["position"] >= at


def test_after_a_break_it_goes_on_where_it_was(
    client: httpx.Client, done: Done, opportunity: str
) -> None:
    first = done("rename-opportunity", opportunity=opportunity, name="1")["position"]
    seen = int(listen(client, first - 1, first)[-1]["id"])
    assert seen == first
    for n in (2, 3):
        last = done("rename-opportunity", opportunity=opportunity, name=str(n))["position"]
    assert sum(it["data"]["count"] for it in listen(client, seen, last)) == 2


def test_a_listener_hears_what_happens_meanwhile(
    client: httpx.Client, done: Done, opportunity: str
) -> None:
    before = client.get("/api/log", params={"limit": 1}).json()["position"]
    with client.stream("GET", "/live", headers={"Last-Event-ID": str(before)}) as answer:
        stream = messages(answer)
        done("lose-opportunity", opportunity=opportunity, lost_reason="price")
        assert hear(stream, "opportunity.lost")["data"]["streams"] == [opportunity]
        done("reopen-opportunity", opportunity=opportunity)
        assert hear(stream, "opportunity.reopened")["data"]["streams"] == [opportunity]


def test_the_views_show_what_is_told(client: httpx.Client, done: Done, opportunity: str) -> None:
    moved = done("change-stage", opportunity=opportunity, stage="Offer")
    listen(client, moved["position"] - 1, moved["position"])
    record = client.get(f"/api/opportunity/{opportunity}").json()["record"]
    assert record["stage"] == "Offer"


@pytest.mark.parametrize("header", ["x", "-1", str(2**63)])
def test_a_position_is_a_number(client: httpx.Client, header: str) -> None:
    answer = client.get("/live", headers={"Last-Event-ID": header})
    assert (answer.status_code, answer.json()["field"]) == (422, "Last-Event-ID")


def test_who_missed_too_much_reads_anew(
    client: httpx.Client, done: Done, monkeypatch: pytest.MonkeyPatch, opportunity: str
) -> None:
    done("rename-opportunity", opportunity=opportunity, name="x")
    monkeypatch.setattr(live, "RESUME_EVENTS_MAX", 0)
    assert [it["event"] for it in listen(client, 0, 1)] == ["reset"]
    monkeypatch.setattr(live, "RESUME_EVENTS_MAX", 10)
    assert [it["event"] for it in listen(client, 2**40, 1)] == ["reset"]


def test_there_are_only_so_many_listeners(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CLIENTS_MAX", 0)
    answer = client.get("/live")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/TooBusy")


def test_listeners_are_counted_while_they_listen(
    client: httpx.Client, done: Done, opportunity: str
) -> None:
    def listeners() -> str:
        lines = client.get("/metrics").text.splitlines()
        return next(it for it in lines if it.startswith("crm_live_listeners")).split()[1]

    position = done("rename-opportunity", opportunity=opportunity, name="x")["position"]
    with client.stream("GET", "/live", headers={"Last-Event-ID": str(position - 1)}) as answer:
        stream = messages(answer)
        next(stream)
        assert int(listeners()) >= 1


def test_memory_is_bounded_and_the_slow_read_the_log(
    workspace: Workspace, done: Done, opportunity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BATCHES_MAX", 2)
    for n in range(6):
        last = done("rename-opportunity", opportunity=opportunity, name=f"N{n}")["position"]

    async def hear() -> list[str]:
        hub = Live(workspace)
        following = asyncio.create_task(hub.follow())
        while hub._position < last:
            await asyncio.sleep(0.01)
        for position in range(last - 5, last + 1):
            hub._tell(workspace.store.page(position - 1, 1))
        assert len(hub._recent) == 2
        heard = hub.messages(last - 6)
        texts = [(await anext(heard)).decode() for _ in range(2)]
        await heard.aclose()
        assert hub.clients == 0
        hub.close()
        await following
        return texts

    with ThreadPoolExecutor(1) as apart:  # the tests in a browser keep a loop in this thread
        retry, news = apart.submit(asyncio.run, hear()).result()
    assert retry.startswith("retry: ")
    assert json.loads(news.split("data: ")[1])["count"] == 6

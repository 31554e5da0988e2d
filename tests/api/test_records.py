from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.main import Workspace
from api.nouns import VIEW_OF
from domain.kernel import records
from projections.kit import VIEWS
from tests.api.conftest import Done


def read(client: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["X-Position"] == str(body["position"])
    return body


def test_every_noun_has_a_view_of_its_own_records() -> None:
    assert VIEW_OF.keys() == records().keys()
    for name in VIEW_OF.values():
        assert VIEWS[name].key == ("id",)
        assert "version" in VIEWS[name].row.__struct_fields__


@pytest.mark.parametrize("noun", sorted(VIEW_OF))
def test_every_noun_can_be_listed_and_asked_for(client: httpx.Client, noun: str) -> None:
    assert set(read(client, f"/api/{noun}")) >= {"position", "count", "records", "next"}
    answer = client.get(f"/api/{noun}/{uuid4()}")
    assert answer.status_code == 404
    assert answer.json()["type"] == f"/problems/NoSuch{noun.capitalize()}"
    assert client.get(f"/api/{noun}/x").status_code == 422


def test_what_was_written_is_read(client: httpx.Client, done: Done, opportunity: str) -> None:
    outcome = done("revalue-opportunity", opportunity=opportunity, amount="12.50", currency="EUR")
    answer = client.get(f"/api/opportunity/{opportunity}", params={"seen": outcome["position"]})
    body = answer.json()
    assert answer.headers["ETag"] == '"2"'
    assert body["position"] >= outcome["position"]
    record = body["record"]
    assert (record["name"], record["amount"], record["version"]) == ("Acme", "12.50", 2)


def test_a_position_that_is_not_reached_is_waited_for_in_vain(
    client: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.reading.SEEN_SECONDS_MAX", 0.1)
    ahead = workspace.store.head() + 1000
    for path in ("/api/opportunity", f"/api/opportunity/{uuid4()}", "/api/log", "/api/metrics/rfm"):
        answer = client.get(path, params={"seen": ahead})
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/NotYet"), path
        assert answer.headers["Retry-After"] == "1"


@pytest.fixture
def moved(done: Done, pipeline: str) -> str:
    """An opportunity with a past: opened in January, moved in March, and told us in one go."""
    opened = done(
        "open-opportunity",
        name="Past",
        pipeline=pipeline,
        stage="New",
        occurred_at="2025-01-10T12:00:00Z",
    )
    done(
        "change-stage",
        opportunity=opened["stream"],
        stage="Offer",
        occurred_at="2025-03-03T23:30:00Z",
        reason="they asked for one",
    )
    return str(opened["stream"])


@pytest.mark.parametrize(
    ("at", "stage"),
    [
        ("2025-01-10", "New"),
        ("2025-03-03T23:00:00Z", "New"),
        ("2025-03-03", "Offer"),
        ("2025-03-04T00:45:00+01:00", "Offer"),
    ],
)
def test_a_record_as_of_then(client: httpx.Client, moved: str, at: str, stage: str) -> None:
    path = f"/api/opportunity/{moved}"
    assert read(client, path, at=at)["record"]["stage"] == stage
    found = read(client, "/api/opportunity", at=at, name="Past")["records"]
    assert {it["stage"] for it in found if it["id"] == moved} == {stage}


def test_what_was_not_yet_there(client: httpx.Client, moved: str) -> None:
    path = f"/api/opportunity/{moved}"
    assert client.get(path, params={"at": "2025-01-09"}).status_code == 404
    assert client.get(path, params={"knew": "2025-12-31"}).status_code == 404
    assert read(client, "/api/opportunity", at="2025-01-01", name="Past")["records"] == []


def test_a_list_is_filtered_sorted_and_paged(
    client: httpx.Client, done: Done, pipeline: str
) -> None:
    for n in range(5):
        last = done(
            "open-opportunity",
            name=f"Page {n}",
            pipeline=pipeline,
            stage="New",
            amount=None if n == 4 else str(n % 3),
            currency="EUR",
        )
    for now in ({"seen": last["position"]}, {"at": "2999-01-01"}):
        asked = {"pipeline": pipeline, "order": "-amount,name", "limit": 2, **now}
        names, page = [], read(client, "/api/opportunity", **asked)
        assert (page["count"], page["count_is_exact"]) == (5, True)
        names += [it["name"] for it in page["records"]]
        while page["next"]:
            page = read(client, "/api/opportunity", **asked, after=page["next"])
            names += [it["name"] for it in page["records"]]
        assert names == ["Page 2", "Page 1", "Page 0", "Page 3", "Page 4"]
        unset = read(client, "/api/opportunity", pipeline=pipeline, amount="", **now)
        assert [it["name"] for it in unset["records"]] == ["Page 4"]


def test_a_filter_can_ask_what_a_list_holds(
    client: httpx.Client, done: Done, opportunity: str
) -> None:
    contact = done("add-contact", last_name="Lovelace", email=f"{uuid4()}@example.org")["stream"]
    joined = done("join-contact", opportunity=opportunity, contact=contact)
    for now in ({"seen": joined["position"]}, {"at": "2999-01-01"}):
        found = read(client, "/api/opportunity", contacts=contact, **now)["records"]
        assert [it["id"] for it in found] == [opportunity]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"pipeline": "x"}, "pipeline"),
        ({"amount": "much"}, "amount"),
        ({"name": "\0"}, "name"),
        ({"name": "x" * 1_001}, "name"),
        ({"order": "colour"}, "order"),
        ({"order": "contacts"}, "order"),
        ({"order": ""}, "order"),
        ({"order": "name; DROP TABLE"}, "order"),
        ({"after": "x"}, "after"),
        ({"after": "W10="}, "after"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"at": "yesterday"}, "at"),
        ({"knew": "2025-02-30"}, "knew"),
        ({"seen": "-1"}, "seen"),
        ({"seen": str(2**63)}, "seen"),
    ],
)
def test_what_cannot_be_asked_is_named(
    client: httpx.Client, params: dict[str, str], field: str
) -> None:
    answer = client.get("/api/opportunity", params=params)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


def test_a_history_shows_each_step(client: httpx.Client, moved: str) -> None:
    body = read(client, f"/api/history/opportunity/{moved}")
    first, second = body["steps"]
    assert first["event"]["name"] == "opportunity.opened"
    assert second["changed"]["stage"] == {"was": "New", "is": "Offer"}
    assert second["record"]["stage"] == "Offer"
    assert second["event"]["sentence"] == "moved from New to Offer"
    assert len(read(client, f"/api/history/opportunity/{moved}", at="2025-02-01")["steps"]) == 1


def test_a_diff_between_two_moments(client: httpx.Client, moved: str) -> None:
    path = f"/api/history/opportunity/{moved}/diff"
    body = read(client, path, at="2025-02-01", with_at="2025-04-01")
    assert body["changed"]["stage"] == {"was": "New", "is": "Offer"}
    assert [it["event"]["name"] for it in body["steps"]] == ["opportunity.stage_changed"]
    from_nothing = read(client, path, at="2024-01-01")
    assert from_nothing["was"] is None
    assert client.get(f"/api/history/opportunity/{uuid4()}/diff").status_code == 404


def test_where_a_value_is_from(client: httpx.Client, moved: str) -> None:
    path = f"/api/history/opportunity/{moved}/provenance"
    origin = read(client, path, field="stage")["provenance"]
    assert (origin["value"], origin["actor"], origin["source"]) == (
        "Offer",
        "system:operator",
        "api",
    )
    assert (origin["reason"], origin["since"]) == ("they asked for one", "2025-03-03T23:30:00Z")
    assert [it["value"] for it in origin["earlier"]] == ["New"]
    answer = client.get(path, params={"field": "colour"})
    assert (answer.status_code, answer.json()["field"]) == (422, "field")
    assert client.get(path).status_code == 422
    gone = client.get(path, params={"field": "stage", "at": "2024-01-01"})
    assert gone.status_code == 404


def test_a_timeline_is_newest_first_and_paged(client: httpx.Client, done: Done) -> None:
    account = done("open-account", name="Acme Ltd")["stream"]
    for n in range(3):
        done("change-account", account=account, city=f"City {n}")
    page = read(client, f"/api/timeline/account/{account}", limit=3)
    versions = [it["version"] for it in page["events"]]
    page = read(client, f"/api/timeline/account/{account}", limit=3, before=page["next"])
    assert versions + [it["version"] for it in page["events"]] == [4, 3, 2, 1]
    assert page["next"] is None


def test_the_timeline_of_other_records_is_their_own(client: httpx.Client, moved: str) -> None:
    page = read(client, f"/api/timeline/opportunity/{moved}", limit=1)
    assert [it["name"] for it in page["events"]] == ["opportunity.stage_changed"]
    page = read(client, f"/api/timeline/opportunity/{moved}", before=page["next"])
    assert [it["name"] for it in page["events"]] == ["opportunity.opened"]


@pytest.mark.parametrize("what", ["timeline", "history"])
def test_unknown_nouns_and_records(client: httpx.Client, what: str, moved: str) -> None:
    assert client.get(f"/api/{what}/deal/{moved}").status_code == 404
    assert client.get(f"/api/{what}/opportunity/{uuid4()}").status_code == 404
    assert client.get(f"/api/{what}/order/{moved}").status_code == 404


def test_the_log_is_read_in_order(client: httpx.Client, moved: str) -> None:
    named = {"type": ["opportunity.opened", "opportunity.stage_changed"]}
    events, after = [], 0
    while True:
        body = read(client, "/api/log", **named, after=after, limit=2)
        events += body["events"]
        if body["next"] is None:
            break
        after = body["next"]
    positions = [it["position"] for it in events]
    assert positions == sorted(set(positions))
    assert [it["name"] for it in events if it["stream"] == moved] == named["type"]
    then = read(client, "/api/log", at="2025-02-01", limit=1000)["events"]
    assert [it["name"] for it in then if it["stream"] == moved] == named["type"][:1]
    assert client.get("/api/log", params={"type": "deal.won"}).json()["field"] == "type"


def test_the_log_of_a_subject(client: httpx.Client, done: Done) -> None:
    account = done("open-account", name="Subject")["stream"]
    changed = done("change-account", account=account, city="Paris")
    events = read(client, "/api/log", subject=account)["events"]
    assert [it["name"] for it in events] == ["account.opened", "account.details_changed"]
    assert events[0]["subjects"] == [account]
    assert events[1]["fields"] == {"city": "Paris"}
    later = read(client, "/api/log", subject=account, after=changed["position"])
    assert (later["events"], later["next"]) == ([], None)

"""Forms, with htmx and without: what is stored, what is refused, and what is said of it."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import httpx

from api.main import Workspace
from domain.notes import NoteWritten
from tests.web.company import ACME, ADA, EMPTY, MARA, PILOT, PIPELINE, RENEWAL, ROLLOUT
from tests.web.test_pages import text

PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


def version(workspace: Workspace, stream: UUID) -> int:
    return len(workspace.store.read(stream))


def test_a_note_without_scripts_is_stored_and_shown(
    visitor: httpx.Client, workspace: Workspace
) -> None:
    sent = {"text": "Met at the fair.", "key": "k1"}
    answer = visitor.post(f"/accounts/{ACME}/notes", data=sent)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/accounts/{ACME}#story"
    assert "Met at the fair." in text(visitor.get(f"/accounts/{ACME}"))
    it = workspace.store.by_subject(ACME, limit=1)[0]
    assert isinstance(it.event, NoteWritten)
    assert (it.actor, it.source) == (str(MARA), "form")


def test_a_form_that_is_sent_twice_is_carried_out_once(
    visitor: httpx.Client, workspace: Workspace
) -> None:
    before = workspace.store.head()
    sent = {"text": "Only once.", "key": "k2"}
    for _ in range(2):
        visitor.post(f"/accounts/{ACME}/notes", data=sent)
    assert workspace.store.head() == before + 1


def test_a_call_is_recorded_when_it_took_place(visitor: httpx.Client, workspace: Workspace) -> None:
    sent = {"direction": "in", "kind": "held", "subject": "Invoice", "body": "", "key": "k3"}
    sent["occurred_at"] = "2026-03-03T14:02"
    answer = visitor.post(f"/contacts/{ADA}/calls", data=sent, headers=PART)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Call recorded." in answer.text
    told = workspace.store.by_subject(ADA, limit=1)[0]
    assert told.event.member == MARA
    assert told.occurred_at.isoformat() == "2026-03-03T14:02:00+00:00"


def test_a_task_is_planned_for_whoever_plans_it(
    visitor: httpx.Client, workspace: Workspace
) -> None:
    sent = {"subject": "Send samples", "due": "2030-01-02T09:00", "kind": "to-do", "key": "k4"}
    answer = visitor.post(f"/accounts/{EMPTY}/tasks", data=sent, headers=PART)
    assert "Task planned." in answer.text
    assert "Send samples" in text(answer)
    assert workspace.store.by_subject(EMPTY, limit=1)[0].event.assignee == MARA


def test_a_wrong_field_comes_back_with_what_was_typed(visitor: httpx.Client) -> None:
    sent = {"subject": "Call Ada", "due": "soon", "kind": "call", "key": "k5"}
    answer = visitor.post(f"/accounts/{ACME}/tasks", data=sent, headers=PART)
    assert answer.status_code == 422
    assert 'value="Call Ada"' in answer.text
    assert 'aria-describedby="add-tasks-due-wrong"' in answer.text
    assert '<details name="composer" open>' in answer.text


def test_a_note_about_nobody_is_refused(visitor: httpx.Client) -> None:
    answer = visitor.post(f"/accounts/{uuid4()}/notes", data={"text": "x", "key": "k6"})
    assert answer.status_code == 404


def test_a_card_is_moved_without_scripts(visitor: httpx.Client, workspace: Workspace) -> None:
    sent = {"opportunity": str(PILOT), "to": "stage:Proposal"}
    answer = visitor.post(f"/pipeline/{PIPELINE}/moves", data=sent)
    assert answer.headers["location"] == f"/pipeline/{PIPELINE}#o-{PILOT}"
    assert workspace.store.read(PILOT)[-1].event.to_stage == "Proposal"


def test_a_move_says_where_the_card_is(visitor: httpx.Client, workspace: Workspace) -> None:
    sent = {"opportunity": str(ROLLOUT), "to": "stage:Qualified"}
    sent["version"] = str(version(workspace, ROLLOUT))
    answer = visitor.post(f"/pipeline/{PIPELINE}/moves", data=sent, headers=PART)
    assert answer.status_code == 200
    assert "Nordwind rollout moved to Qualified, 1 of" in text(answer)
    assert '<hx-partial hx-target="#toasts"' in answer.text


def test_a_stale_move_brings_the_card_home(visitor: httpx.Client, workspace: Workspace) -> None:
    sent = {"opportunity": str(RENEWAL), "to": "stage:Negotiation"}
    sent["version"] = str(version(workspace, RENEWAL) - 1)
    answer = visitor.post(f"/pipeline/{PIPELINE}/moves", data=sent, headers=PART)
    assert answer.status_code == 412
    assert "Somebody else was faster" in answer.text
    assert "moved from Qualified to Proposal" in answer.text
    assert '<hx-partial hx-target="#alarm"' in answer.text
    assert f'id="o-{RENEWAL}"' in answer.text


def test_a_move_to_nowhere_is_refused_in_words(visitor: httpx.Client) -> None:
    sent = {"opportunity": str(RENEWAL), "to": "stage:Nirvana"}
    answer = visitor.post(f"/pipeline/{PIPELINE}/moves", data=sent, headers=PART)
    assert answer.status_code == 404
    assert "The pipeline has no open stage “Nirvana”." in answer.text


def test_an_end_is_asked_for_first(visitor: httpx.Client) -> None:
    sent = {"opportunity": str(RENEWAL), "to": "end:lost"}
    answer = visitor.post(f"/pipeline/{PIPELINE}/moves", data=sent)
    assert answer.headers["location"] == f"/opportunities/{RENEWAL}/close?as=lost"
    page = visitor.get(answer.headers["location"])
    assert "Why was it lost?" in page.text
    assert "<html" in page.text
    part = visitor.get(answer.headers["location"], headers=PART)
    assert "<html" not in part.text


def test_lost_needs_a_reason(visitor: httpx.Client, workspace: Workspace) -> None:
    sent = {"as": "lost", "lost_reason": "", "note": "They were kind about it."}
    sent["version"] = str(version(workspace, RENEWAL))
    answer = visitor.post(f"/opportunities/{RENEWAL}/close", data=sent, headers=PART)
    assert answer.status_code == 422
    assert "They were kind about it." in answer.text
    assert "close-lost_reason-wrong" in answer.text


def test_won_for_another_amount(visitor: httpx.Client, workspace: Workspace) -> None:
    form = visitor.get(f"/opportunities/{RENEWAL}/close?as=won", headers=PART).text
    assert re.search(r'name="amount"[^>]*value="12,500.00"', form)
    sent = {"as": "won", "amount": "11,750.00", "currency": "EUR"}
    sent["version"] = str(version(workspace, RENEWAL))
    answer = visitor.post(f"/opportunities/{RENEWAL}/close", data=sent, headers=PART)
    assert "Acme renewal is won." in answer.text
    assert f'id="o-{RENEWAL}"' not in answer.text
    assert str(workspace.store.read(RENEWAL)[-1].event.amount) == "11750.00"


def test_what_is_closed_cannot_be_closed_again(visitor: httpx.Client, workspace: Workspace) -> None:
    sent = {"as": "lost", "lost_reason": "Price"}
    sent["version"] = str(version(workspace, RENEWAL))
    answer = visitor.post(f"/opportunities/{RENEWAL}/close", data=sent)
    assert answer.status_code == 409
    assert "A closed opportunity stays where it is." in answer.text


def test_an_account_is_added(visitor: httpx.Client) -> None:
    answer = visitor.post("/accounts", data={"name": "Werft am Kai", "city": "Rostock"})
    assert answer.status_code == 303
    assert "Werft am Kai" in text(visitor.get(answer.headers["location"]))


def test_a_contact_without_a_name_is_not_added(visitor: httpx.Client) -> None:
    answer = visitor.post("/contacts", data={"email": "no-address"})
    assert answer.status_code == 422
    assert 'value="no-address"' in answer.text
    assert "is not an e-mail address" in answer.text

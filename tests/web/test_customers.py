"""The pages of customers show what was recorded with others of their circle, and with whom."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.main import Workspace
from commands.desk import Ask
from commands.registry import COMMANDS
from tests.web.company import ACME, ACTOR, EMPTY, LEIF, ago
from tests.web.test_pages import text

WAIT_SECONDS_MAX = 30
CASE, LEAD, KIM = UUID(int=901), UUID(int=902), UUID(int=903)


def do(workspace: Workspace, command: str, days: float, **said: Any) -> None:
    model = COMMANDS[command].model.model_validate({"occurred_at": ago(days), **said})
    outcome = workspace.bus.dispatch(Ask(model, ACTOR))
    assert workspace.runner.wait_for(outcome.position, WAIT_SECONDS_MAX)


@pytest.fixture(scope="module", autouse=True)
def told(workspace: Workspace) -> Workspace:
    """What is recorded with Leif alone while he advises Acme, and with a lead who is Kim now."""
    do(workspace, "record-interaction", 30, channel="call", direction="in", contact=LEIF, body="Hm")
    do(workspace, "place-order", 30, contact=LEIF, currency="EUR", lines=[{"amount": "7777"}])
    do(workspace, "open-case", 30, case=CASE, subject="Leif's printer", contact=LEIF)
    do(workspace, "start-case", 29, case=CASE)
    do(workspace, "capture-lead", 28, lead=LEAD, last_name="Kimberly", source="webinar")
    do(workspace, "record-interaction", 27, channel="webinar", direction="in", lead=LEAD)
    do(workspace, "convert-lead", 26, lead=LEAD, contact=KIM, account=EMPTY)
    return workspace


def line(page: httpx.Response, said: str) -> str:
    """The line of a timeline that says so."""
    lines = re.findall(r'<li id="f-\d+">.*?</li>', page.text, flags=re.DOTALL)
    found = [text(httpx.Response(200, text=it)) for it in lines]
    return next(it for it in found if said in it)


def test_an_account_shows_what_its_contacts_did_and_names_them(visitor: httpx.Client) -> None:
    page = visitor.get(f"/accounts/{ACME}")
    assert "Leif's printer" in text(page)
    assert "Ordered 12,777 .00 EUR 5 orders" in text(page)
    assert "Contact Leif Söderberg" in line(page, "Hm")
    started = line(visitor.get(f"/accounts/{ACME}?show=service"), "work began")
    assert "Contact Leif Söderberg" in started
    assert f'<a href="/contacts/{LEIF}">Leif Söderberg</a>' in page.text
    assert "Contact Leif" not in text(visitor.get(f"/contacts/{LEIF}?show=service"))


def test_a_contact_and_the_account_show_who_they_were_as_a_lead(visitor: httpx.Client) -> None:
    for path in (f"/contacts/{KIM}", f"/accounts/{EMPTY}"):
        page = visitor.get(path)
        assert "captured from webinar" in text(page)
        assert "Lead Kimberly" in line(page, "Webinar")


def test_a_contact_who_has_left_takes_it_along(visitor: httpx.Client, told: Workspace) -> None:
    do(told, "leave-account", 3, contact=LEIF, account=ACME)
    said = text(visitor.get(f"/accounts/{ACME}"))
    assert "Leif's printer" not in said
    assert "Ordered 5,000 .00 EUR 4 orders" in said
    assert "Leif Söderberg : left an account" in said
    then = text(visitor.get(f"/accounts/{ACME}?at={ago(4):%Y-%m-%dT%H:%M:%SZ}"))
    assert "Leif's printer" in then
    assert "Ordered 12,777 .00 EUR 5 orders" in then

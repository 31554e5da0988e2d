"""Every page, in both themes and both widths, can be used by everybody."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from api.web.vendor import locked
from tests.web.browser import signed_in
from tests.web.company import ACME, ADA, EMPTY, PIPELINE, RENEWAL, ago
from tests.web.conftest import TOKEN

pytestmark = pytest.mark.browser

AXE = next(p for p in locked() if p.name == "axe-core").folder / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEN = f"at={ago(20):%Y-%m-%d}"
PAGES = {
    "home": "/",
    "accounts": "/accounts",
    "no such names": "/accounts?starts=zzz",
    "contacts": "/contacts",
    "account": f"/accounts/{ACME}",
    "account in the past": f"/accounts/{ACME}?{THEN}",
    "empty account": f"/accounts/{EMPTY}",
    "contact": f"/contacts/{ADA}",
    "board": f"/pipeline/{PIPELINE}",
    "board in the past": f"/pipeline/{PIPELINE}?{THEN}",
    "closing": f"/opportunities/{RENEWAL}/close?as=lost",
    "retention": "/insights/retention",
    "empty retention": "/insights/retention?at=1999-01-01",
    "search": "/search?q=acme",
    "empty search": "/search?q=zzz",
    "nowhere": "/nowhere",
    "patterns": "/patterns",
}
WIDTHS = (1280, 390)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def violations(page: Page) -> list[str]:
    """What axe finds, one line each."""
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run({ runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })",
        TAGS,
    )
    return [
        f"{broken['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for broken in found["violations"]
        for node in broken["nodes"]
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    browser: Browser, url: str, theme: str, width: int
) -> None:
    wrong: list[str] = []
    with signed_in(browser, url, TOKEN, theme=theme, width=width) as context:
        context.add_init_script(path=AXE)
        page = context.new_page()
        for name, path in PAGES.items():
            page.goto(path)
            wrong += [f"{name}: {found}" for found in violations(page)]
            if page.evaluate(OVERFLOW) > 0:
                wrong.append(f"{name}: the page scrolls sideways")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(browser: Browser, url: str, theme: str) -> None:
    with signed_in(browser, url, TOKEN, theme=theme) as context:
        context.add_init_script(path=AXE)
        page = context.new_page()
        page.goto(f"/accounts/{ACME}")
        page.locator("summary", has_text="Call").click()
        page.locator(".asof summary").click()
        assert violations(page) == []
        page.goto(f"/pipeline/{PIPELINE}")
        page.get_by_label("Move Acme renewal to").select_option("Won …")
        page.get_by_role("dialog").wait_for()
        assert violations(page) == []
        page.keyboard.press("Escape")
        page.get_by_label("Move Acme renewal to").select_option("Negotiation")
        page.locator(".toast-line").wait_for()
        assert violations(page) == []


@pytest.mark.parametrize("path", [f"/accounts/{ACME}", f"/pipeline/{PIPELINE}", "/patterns"])
def test_pages_survive_being_enlarged_four_times(browser: Browser, url: str, path: str) -> None:
    with signed_in(browser, url, TOKEN, width=320) as context:
        page = context.new_page()
        page.goto(path)
        assert page.evaluate(OVERFLOW) == 0

"""What people do, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.main import Workspace
from commands.desk import Actor, Ask
from commands.registry import COMMANDS
from tests.web.browser import signed_in
from tests.web.company import ACME, ADA, JONAS, PILOT, PIPELINE, RENEWAL, ROLLOUT, ago
from tests.web.conftest import TOKEN

pytestmark = pytest.mark.browser

BOARD = f"/pipeline/{PIPELINE}"


@pytest.fixture(scope="module")
def window(browser: Browser, url: str) -> Iterator[BrowserContext]:
    with signed_in(browser, url, TOKEN) as context:
        yield context


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    """A page that must not complain: no error, and no breach of the content policy."""
    page = window.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda it: said.append(it.text) if it.type == "error" else None)
    yield page
    page.close()
    # A refusal is an answer with a status of its own, which Chromium reports as an error.
    assert [line for line in said if "status of 4" not in line] == []


def column(stage: str) -> str:
    return f'.cards[data-stage="{stage}"]'


def test_from_home_to_an_account_and_a_note_on_its_timeline(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Accounts").first.click()
    page.get_by_role("link", name="Acme Holdings").click()
    page.locator("summary", has_text="Note").click()
    page.get_by_role("textbox", name="Note").fill("Ada likes tea.")
    page.get_by_role("button", name="Write note").click()
    expect(page.locator("#toasts")).to_have_text("Note written.")
    expect(page.locator("#timeline > li").first).to_contain_text("Ada likes tea.")
    expect(page.locator("#timeline > li").first).to_contain_text("Mara Lindqvist")
    expect(page.locator("#add-notes-text")).to_have_value("")
    expect(page.locator("#add-notes")).to_be_hidden()


def test_a_refused_form_keeps_what_was_typed(page: Page) -> None:
    page.goto(f"/accounts/{ACME}")
    page.locator("summary", has_text="Task").click()
    page.get_by_label("What is to be done").fill("Call")
    page.get_by_label("Due (UTC)").evaluate(
        "field => { field.type = 'text'; field.value = 'soon' }"
    )
    page.get_by_role("button", name="Plan task").click()
    expect(page.locator("#add-tasks .wrong")).to_contain_text("datetime")
    expect(page.get_by_label("What is to be done")).to_have_value("Call")


def test_a_timeline_shows_older_facts_by_a_button(page: Page, workspace: Workspace) -> None:
    for n in range(35):
        _do(workspace, "write-note", about=ADA, noun="contact", text=f"Note {n}")
    page.goto(f"/contacts/{ADA}")
    expect(page.locator("#timeline article")).to_have_count(30)
    page.get_by_role("link", name="Show older facts").click()
    expect(page.get_by_text("Added the contact")).to_be_visible()
    expect(page.locator("#older")).to_have_count(0)


def test_a_card_is_moved_by_its_menu_and_keeps_the_focus(page: Page) -> None:
    page.goto(BOARD)
    menu = page.get_by_label("Move Acme pilot to")
    menu.focus()
    menu.select_option("Proposal")
    expect(page.locator(column("Proposal"))).to_contain_text("Acme pilot")
    expect(page.locator("#toasts")).to_contain_text("Acme pilot moved to Proposal, 1 of 2.")
    expect(menu).to_be_focused()
    expect(menu).to_have_value("stage:Proposal")


def test_a_card_is_moved_by_dragging(page: Page, workspace: Workspace) -> None:
    page.goto(BOARD)
    page.locator(f"#o-{ROLLOUT}").drag_to(page.locator(column("Negotiation")))
    expect(page.locator("#toasts")).to_contain_text(
        "Nordwind rollout moved to Negotiation, 1 of 1."
    )
    expect(page.locator(column("Negotiation"))).to_contain_text("Nordwind rollout")
    assert workspace.store.read(ROLLOUT)[-1].event.to_stage == "Negotiation"
    # The board is armed again after it was exchanged.
    page.locator(f"#o-{ROLLOUT}").drag_to(page.locator(column("Qualified")))
    expect(page.locator(column("Qualified"))).to_contain_text("Nordwind rollout")


def test_a_move_that_is_refused_comes_home(page: Page, workspace: Workspace) -> None:
    page.goto(BOARD)
    _do(workspace, "change-stage", opportunity=RENEWAL, stage="Negotiation")
    page.get_by_label("Move Acme renewal to").select_option("Prospecting")
    expect(page.locator("#alarm")).to_contain_text("Somebody else was faster")
    expect(page.locator(column("Negotiation"))).to_contain_text("Acme renewal")
    expect(page.get_by_label("Move Acme renewal to")).to_have_value("stage:Negotiation")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#alarm")).to_be_empty()


def test_a_drag_that_is_refused_comes_home(page: Page, workspace: Workspace) -> None:
    page.goto(BOARD)
    _do(workspace, "assign-opportunity", opportunity=PILOT, owner=JONAS)
    page.locator(f"#o-{PILOT}").drag_to(page.locator(column("Qualified")))
    expect(page.locator("#alarm")).to_contain_text("handed to another owner")
    expect(page.locator(column("Proposal"))).to_contain_text("Acme pilot")
    page.get_by_label("Move Acme pilot to").select_option("Qualified")
    expect(page.locator(column("Qualified"))).to_contain_text("Acme pilot")
    expect(page.locator("#alarm")).to_be_empty()


def test_an_end_is_asked_for_in_a_dialog(page: Page, workspace: Workspace) -> None:
    page.goto(BOARD)
    menu = page.get_by_label("Move Acme pilot to")
    menu.select_option("Lost …")
    dialog = page.get_by_role("dialog", name="Lost: Acme pilot")
    expect(dialog).to_be_visible()
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(menu).to_have_value("stage:Qualified")
    menu.select_option("Lost …")
    dialog.get_by_label("Why was it lost?").fill("Price")
    dialog.get_by_role("button", name="Close as lost").click()
    expect(page.locator("#toasts")).to_contain_text("Acme pilot is lost.")
    expect(dialog).to_be_hidden()
    expect(page.locator(f"#o-{PILOT}")).to_have_count(0)
    assert workspace.store.read(PILOT)[-1].event.lost_reason == "Price"


def test_the_board_is_walked_by_keys(page: Page) -> None:
    page.goto(BOARD)
    page.locator(f"{column('Prospecting')} h3 a").first.focus()
    page.keyboard.press("ArrowDown")
    second = page.locator(f"{column('Prospecting')} h3 a").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("ArrowRight")
    focused = page.locator(":focus")
    expect(focused.locator("xpath=ancestor::ul")).not_to_have_attribute("data-stage", "Prospecting")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("name", "to")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_visible()


def test_every_page_can_be_entered_by_keys(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_past_is_shown_and_cannot_be_changed(page: Page) -> None:
    page.goto(BOARD)
    page.locator(".asof summary").click()
    page.get_by_label("What was true at (UTC)").fill(f"{ago(15):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".past-note")).to_contain_text("Nothing can be changed there.")
    expect(page.locator(column("Qualified"))).to_contain_text("Acme renewal")
    expect(page.locator("#board select:enabled")).to_have_count(0)
    card = page.locator(f"#o-{RENEWAL}")
    card.drag_to(page.locator(column("Proposal")))
    expect(page.locator(column("Qualified"))).to_contain_text("Acme renewal")
    card.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/accounts/.*\?at="))
    expect(page.locator(".composer")).to_contain_text("only to the present")
    page.get_by_role("link", name="Back to now").first.click()
    expect(page.locator("body")).not_to_have_class(re.compile("past"))


def test_news_of_others_are_announced_and_not_forced(page: Page, workspace: Workspace) -> None:
    page.goto(f"/accounts/{ACME}")
    expect(page.locator("#fresh")).to_have_text("live")
    _do(workspace, "write-note", about=ACME, noun="account", text="Jonas was here.")
    expect(page.locator("#fresh")).to_have_text("new facts, show")
    expect(page.get_by_text("Jonas was here.")).to_have_count(0)
    page.get_by_role("link", name="new facts, show").click()
    expect(page.get_by_text("Jonas was here.")).to_be_visible()


def test_the_theme_is_chosen_without_a_flash(page: Page) -> None:
    page.goto("/accounts")
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Light theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_pages_can_be_read_and_used_without_scripts(browser: Browser, url: str) -> None:
    with signed_in(browser, url, TOKEN, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"/accounts/{ACME}")
        page.locator("summary", has_text="Note").click()
        page.get_by_role("textbox", name="Note").fill("By hand.")
        page.get_by_role("button", name="Write note").click()
        expect(page.locator("#timeline > li").first).to_contain_text("By hand.")
        page.goto(BOARD)
        page.get_by_label("Move Acme renewal to").select_option("Qualified")
        page.locator(f"#o-{RENEWAL}").get_by_role("button", name="Move").click()
        expect(page.locator(column("Qualified"))).to_contain_text("Acme renewal")


def _do(workspace: Workspace, command: str, **fields: object) -> None:
    model = COMMANDS[command].model.model_validate(fields)
    outcome = workspace.bus.dispatch(Ask(model, Actor(str(JONAS))))
    assert workspace.runner.wait_for(outcome.position, 10)

"""A company without history: every page says how it begins."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from api.http.app import app
from tests.serving import served
from tests.web.conftest import fresh_database, opened, person
from tests.web.test_pages import text


@pytest.fixture(scope="module")
def newcomer(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("data")
    with (
        fresh_database(server_dsn) as dsn,
        opened(dsn, folder) as workspace,
        served(app(workspace)) as url,
        person(url) as somebody,
    ):
        yield somebody


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "Look around in a demo company"),
        ("/", "crm import FILES --map MAP.yaml --dry-run"),
        ("/accounts", "There are no accounts yet"),
        ("/contacts", "There are no contacts yet"),
        ("/pipeline", "There is no pipeline yet"),
        ("/insights/retention", "Nobody has ordered yet"),
        ("/search", "What are you looking for?"),
    ],
)
def test_every_page_says_how_it_begins(newcomer: httpx.Client, path: str, says: str) -> None:
    page = newcomer.get(path)
    assert page.status_code == 200
    assert says in text(page)


def test_the_first_account_is_added_from_home(newcomer: httpx.Client) -> None:
    answer = newcomer.post("/accounts", data={"name": "The first"})
    assert answer.status_code == 303
    assert "The first" in text(newcomer.get(answer.headers["location"]))
    home = text(newcomer.get("/"))
    assert "Opened the account The first" in home
    assert "Today" in home

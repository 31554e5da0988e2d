"""Pictures of the pages for the documentation: ``python -m tests.web.screenshots [FOLDER]``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from api.http.app import app
from event_store.embedded import embedded_postgres
from tests.web import company
from tests.web.browser import chromium, launched, signed_in
from tests.web.conftest import TOKEN, fresh_database, opened, served

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
PAGES = {
    "home": "/",
    "board": f"/pipeline/{company.PIPELINE}",
    "account": f"/accounts/{company.ACME}",
    "retention": "/insights/retention",
}
WIDTHS = (1440, 390)
THEMES = ("light", "dark")


@contextmanager
def running() -> Iterator[str]:
    """The address of a company that is served for a moment."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with (
            embedded_postgres(data / "postgres") as server,
            fresh_database(server) as dsn,
            opened(dsn, data, str(company.MARA)) as workspace,
        ):
            company.found(workspace.bus)
            workspace.runner.wait_for(workspace.store.head(), 60)
            with served(app(workspace)) as url:
                yield url


def take(browser: Browser, url: str, folder: Path, pages: dict[str, str]) -> None:
    for theme in THEMES:
        for width in WIDTHS:
            with signed_in(browser, url, TOKEN, theme=theme, width=width) as context:
                page = context.new_page()
                for name, path in pages.items():
                    page.goto(path)
                    page.wait_for_timeout(400)
                    page.screenshot(path=folder / f"{name}-{theme}-{width}.png")


def main(arguments: list[str]) -> int:
    path = chromium()
    if path is None:
        sys.stderr.write("There is no Chromium here; CHROMIUM names one.\n")
        return 1
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with running() as url, launched(path) as browser:
        take(browser, url, folder, PAGES)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

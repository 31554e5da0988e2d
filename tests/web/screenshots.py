"""Pictures of the pages for the documentation: ``python -m tests.web.screenshots [FOLDER]``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser

from api import demo
from api.http.app import app
from api.main import Workspace
from api.settings import Settings
from event_store.embedded import embedded_postgres
from tests.serving import served
from tests.web.browser import chromium, launched, signed_in
from tests.web.conftest import TOKEN, fresh_database
from tests.web.pictures import smaller

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
WIDTHS = (1440, 390)
THEMES = ("light", "dark")
DAYS_BACK = 90
VIEWS_SECONDS_MAX = 300

BUSIEST = """
    SELECT o.account, o.owner, o.pipeline
    FROM views.opportunities AS o JOIN views.orders AS bought USING (account)
    WHERE o.status = 'open' AND o.owner IS NOT NULL
    GROUP BY o.account, o.owner, o.pipeline
    ORDER BY count(*) DESC, o.account LIMIT 1
"""
"""A customer with much to look at, and who looks after them."""


@contextmanager
def running(dsn: str, data: Path, member: str | None = None) -> Iterator[Workspace]:
    settings = Settings.read(database_url=dsn, data=data, token=TOKEN, member=member)
    with Workspace.open(settings, runner=True) as workspace:
        yield workspace


def found(dsn: str, data: Path) -> tuple[str, dict[str, str]]:
    """Makes the demo company; the member who shall look at it, and the pages to look at."""
    with running(dsn, data) as workspace:
        demo.seed(workspace.bus)
        workspace.runner.wait_for(workspace.store.head(), VIEWS_SECONDS_MAX)
        with workspace.rows.connection() as conn:
            row = conn.execute(BUSIEST).fetchone()
    if row is None:
        raise RuntimeError("the demo company has no customer with open opportunities")
    account, member, pipeline = row
    past = f"{datetime.now(UTC) - timedelta(days=DAYS_BACK):%Y-%m-%d}"
    return str(member), {
        "board": f"/pipeline/{pipeline}",
        "board-past": f"/pipeline/{pipeline}?at={past}",
        "account": f"/accounts/{account}",
        "retention": "/insights/retention",
    }


@contextmanager
def demo_site() -> Iterator[tuple[str, dict[str, str]]]:
    """The address of the demo company, and the paths of its pages."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with embedded_postgres(data / "postgres") as server, fresh_database(server) as dsn:
            member, pages = found(dsn, data)
            with running(dsn, data, member) as workspace, served(app(workspace)) as url:
                yield url, pages


def take(browser: Browser, url: str, folder: Path, pages: dict[str, str]) -> None:
    for theme in THEMES:
        for width in WIDTHS:
            with signed_in(browser, url, TOKEN, theme=theme, width=width) as context:
                page = context.new_page()
                for name, path in pages.items():
                    page.goto(path)
                    page.locator("#fresh[data-state=live]").wait_for()
                    picture = folder / f"{name}-{theme}-{width}.png"
                    picture.write_bytes(smaller(page.screenshot()))


def main(arguments: list[str]) -> int:
    path = chromium()
    if path is None:
        sys.stderr.write("There is no Chromium here; CHROMIUM names one.\n")
        return 1
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with demo_site() as (url, pages), launched(path) as browser:
        take(browser, url, folder, pages)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

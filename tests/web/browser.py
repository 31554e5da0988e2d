"""A real Chromium for journeys and pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from api.http.access import COOKIE, session_of

NAMES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """The path of a Chromium: the one that ``$CHROMIUM`` names, or the first that is here."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def signed_in(
    browser: Browser,
    url: str,
    token: str,
    *,
    theme: str = "light",
    width: int = 1280,
    **more: object,
) -> BrowserContext:
    """A window of somebody who is signed in."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": 844 if width < 640 else 900},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        **more,  # type: ignore[arg-type]  # as Playwright takes them
    )
    host = urlsplit(url).hostname or ""
    context.add_cookies([{"name": COOKIE, "value": session_of(token), "domain": host, "path": "/"}])
    return context

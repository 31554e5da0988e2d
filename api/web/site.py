"""The pages put together."""

from __future__ import annotations

from fastapi import FastAPI

from api.main import Workspace
from api.web import boards, home, listing, patterns, records, retention, search, theme
from api.web.files import Files
from api.web.pages import STATIC, Pages
from api.web.problem_pages import ProblemPages

ROOMS = (home, listing, records, boards, retention, search, patterns, theme)


def mount(app: FastAPI, workspace: Workspace) -> None:
    """Adds the pages to the application."""
    pages = Pages(workspace)
    for room in ROOMS:
        app.include_router(room.routes(pages))
    app.mount("/static", Files(directory=STATIC), name="static")
    app.add_middleware(ProblemPages, pages=pages)

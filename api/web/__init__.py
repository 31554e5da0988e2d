"""The pages: what people look at, made on the server, working without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.main import Workspace


def mount(app: FastAPI, workspace: Workspace) -> None:
    """Adds the pages to the application."""
    from api.web import site  # here, so that vendored files can be fetched without all of it

    site.mount(app, workspace)

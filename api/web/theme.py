"""Light or dark: what the device says, unless somebody chooses."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.web.forms import Typed
from api.web.pages import THEME_COOKIE, THEMES, Pages, see

KEPT_SECONDS = 365 * 24 * 3600


def routes(_: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/theme")
    def choose(request: Request, typed: Typed) -> Response:
        answer = see(_own_path(typed.get("back", "")))
        theme = typed.get("theme", "")
        if theme in THEMES:
            secure = request.url.scheme == "https"
            answer.set_cookie(
                THEME_COOKIE, theme, max_age=KEPT_SECONDS, samesite="lax", secure=secure
            )
        else:
            answer.delete_cookie(THEME_COOKIE)
        return answer

    return router


def _own_path(back: str) -> str:
    """A path on this site; home, where another site is named."""
    parts = urlsplit(back)
    is_own = not (parts.scheme or parts.netloc) and parts.path.startswith("/")
    return back if is_own and not back.startswith(("//", "/\\")) else "/"

"""Templates with what all pages share: the shell, the theme, the moment that is looked at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api import moments
from api.http.problems import Problem
from api.main import Workspace
from api.web import story, words
from api.web.naming import names_of
from domain.kernel import NOW, Cut

HERE = Path(__file__).parent
STATIC = HERE / "static"
THEMES = ("light", "dark")
THEME_COOKIE = "crm_theme"
VERSION_CHARS = 10
"""Of a file's hash in its address: another content is another address, kept for a year."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rail leads."""

    name: str
    href: str
    icon: str


PLACES = (
    Place("Home", "/", "home"),
    Place("Accounts", "/accounts", "building"),
    Place("Contacts", "/contacts", "users"),
    Place("Board", "/pipeline", "layout-kanban"),
    Place("Insights", "/insights/retention", "chart-histogram"),
)


@dataclass(frozen=True, slots=True)
class Past:
    """The moment that a page shows, as it is written and as it is sent on."""

    cut: Cut

    @property
    def is_now(self) -> bool:
        return self.cut.is_now

    @property
    def knew(self) -> bool:
        return self.cut.knew is not None

    @property
    def moment(self) -> datetime:
        """The moment itself; now, where it is not in the past."""
        return self.cut.at or self.cut.knew or datetime.now(UTC)

    @property
    def shown(self) -> str:
        return words.at_length(self.moment)

    @property
    def at_field(self) -> str:
        return _field(self.cut.at)

    @property
    def knew_field(self) -> str:
        return _field(self.cut.knew)

    @property
    def parameters(self) -> dict[str, str]:
        """What keeps a link in the same moment."""
        both = {"at": self.cut.at, "knew": self.cut.knew}
        return {name: it.isoformat().replace("+00:00", "Z") for name, it in both.items() if it}

    def link(self, path: str, **more: object) -> str:
        """The path with the moment and further parameters."""
        query = {**self.parameters, **{n: v for n, v in more.items() if v not in (None, "")}}
        return f"{path}?{urlencode(query)}" if query else path


def _field(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}" if moment else ""


PRESENT = Past(NOW)


def _past(at: str = "", knew: str = "") -> Past:
    try:
        return Past(moments.cut(at, knew))
    except ValueError as bad:
        raise Problem(422, "Invalid", str(bad), field="at") from bad


AsOf = Annotated[Past, Depends(_past)]


@cache
def _version(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:VERSION_CHARS]


def asset(path: str) -> str:
    """The address of a file of ours: another one whenever its content is another."""
    return f"/static/{path}?v={_version(path)}"


def environment() -> Environment:
    """The templates with the words that they use."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals |= {"asset": asset, "places": PLACES, "categories": story.CATEGORIES}
    env.filters |= {
        "money": words.money,
        "number": words.number,
        "percent": words.percent,
        "counted": words.counted,
        "at_length": words.at_length,
        "in_short": words.in_short,
        "lasting": words.length,
        "initials": words.initials,
        "label": words.label,
    }
    return env


class Pages:
    """Shows templates for one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._env = environment()

    def show(
        self, request: Request, template: str, *, here: str = "", status: int = 200, **values: Any
    ) -> Response:
        """A page or a part of one; ``here`` is the place of the rail that it belongs to."""
        shared = {
            "request": request,
            "here": here,
            "now": datetime.now(UTC),
            "past": PRESENT,
            "theme": theme_of(request),
            "q": "",
            "said": "",
            "refused": "",
        }
        if "me" not in values:
            values["me"] = self._me(request)
        html = self._env.get_template(template).render(shared | values)
        return HTMLResponse(html, status)

    def _me(self, request: Request) -> str:
        """The name of whoever looks; nothing where nobody is signed in."""
        actor = getattr(request.state, "actor", None)
        member = story.as_id(actor.id) if actor else None
        if member is None:
            return ""
        with self.workspace.rows.connection() as conn:
            return story.actor(str(member), names_of(conn, {member}))


def theme_of(request: Request) -> str:
    """The theme that was chosen; nothing where the device decides."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def is_part(request: Request) -> bool:
    """Whether htmx asks for a part of the page, rather than a browser for the whole."""
    return request.headers.get("HX-Request-Type") == "partial"


def see(path: str) -> Response:
    """Where to look after a form was sent without scripts."""
    return RedirectResponse(path, status_code=303)

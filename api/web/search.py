"""Finding records by a word of their name."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.web import story
from api.web.pages import Pages

SEARCH_MAX = 100
"""Characters that are looked for."""
FOUND_MAX = 12
"""How many records of a kind are shown."""

TITLES = {
    "account": "Accounts",
    "contact": "Contacts",
    "opportunity": "Opportunities",
    "lead": "Leads",
    "case": "Cases",
    "order": "Orders",
    "task": "Tasks",
    "product": "Products",
    "pipeline": "Pipelines",
    "member": "Members",
}


_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})
_FIND = """
    SELECT noun, id, label, there FROM (
        SELECT noun, id, label,
            row_number() OVER (PARTITION BY noun ORDER BY search, id) AS place,
            count(*) OVER (PARTITION BY noun) AS there
        FROM views.names
        WHERE search LIKE %s OR search LIKE %s
    ) AS found
    WHERE place <= %s
    ORDER BY noun, place
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A record that has such a name."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """Those of a kind."""

    noun: str
    title: str
    rows: tuple[Found, ...]
    more: bool


def routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/search")
    def search(request: Request, q: str = "") -> Response:
        asked = q.strip()[:SEARCH_MAX]
        groups = find(pages, asked) if asked else []
        found = sum(len(group.rows) for group in groups)
        more = any(group.more for group in groups)
        return pages.show(request, "search.html", q=asked, groups=groups, found=found, more=more)

    return router


def find(pages: Pages, text: str) -> list[FoundGroup]:
    """Records of every kind that have a word in their name which begins with a text."""
    begins = text.lower().translate(_ESCAPED)
    with pages.workspace.rows.connection() as conn:
        found = conn.execute(_FIND, [f"{begins}%", f"% {begins}%", FOUND_MAX]).fetchall()
    return [
        FoundGroup(
            noun, title, tuple(rows), any(of == noun and n > FOUND_MAX for of, *_, n in found)
        )
        for noun, title in TITLES.items()
        if (
            rows := [
                Found(label, story.page_of(noun, i)) for of, i, label, _ in found if of == noun
            ]
        )
    ]

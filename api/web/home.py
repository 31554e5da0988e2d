"""Home: what is mine today, and what has happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from psycopg import Connection
from starlette.responses import Response

from api.web import story
from api.web.customers import Timeline
from api.web.naming import names_of
from api.web.pages import Pages
from domain.kernel import Recorded
from domain.seals import SEALS
from event_store.store import EventStore
from projections import questions
from projections.sums import Sum
from projections.tasks import TaskRow

NEWS_MAX = 20
TASKS_MAX = 8
"""How many facts and tasks home shows."""
OPEN_PHASES = ("new", "assigned", "in_progress", "waiting")


@dataclass(frozen=True, slots=True)
class Due:
    """A task as home shows it."""

    subject: str
    about: str
    href: str
    due: datetime
    signal: str
    words: str


@dataclass(frozen=True, slots=True)
class Day:
    """What home shows."""

    pipeline: tuple[Sum, ...]
    open_count: int
    tasks: tuple[Due, ...]
    task_count: int
    due_count: int
    overdue_count: int
    case_count: int
    waiting_count: int
    news: Timeline
    position: int

    @property
    def is_first(self) -> bool:
        return self.position == 0


def routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def home(request: Request) -> Response:
        me = story.as_id(request.state.actor.id)
        return pages.show(request, "home.html", here="Home", day=day(pages, me))

    return router


def day(pages: Pages, me: UUID | None) -> Day:
    """What there is to do for a member, or for everybody, and what has happened."""
    store, now = pages.workspace.store, datetime.now(UTC)
    head = store.head()
    facts = _newest(store, head)
    with pages.workspace.rows.connection() as conn:
        mine = {"assignee": me} if me else {}
        tasks = questions.select(conn, "tasks", {"status": "open", **mine}, "due", limit=TASKS_MAX)
        names = names_of(conn, story.ids_in(facts) | {task.about for task in tasks if task.about})
        sums, open_count = _pipeline(conn, me)
        due, overdue = _due(conn, me, now)
        return Day(
            pipeline=sums,
            open_count=open_count,
            tasks=tuple(_task(task, names, now) for task in tasks),
            task_count=questions.count(conn, "tasks", {"status": "open", **mine}),
            due_count=due,
            overdue_count=overdue,
            case_count=questions.count(conn, "cases", {"phase": OPEN_PHASES}),
            waiting_count=questions.count(conn, "cases", {"phase": "waiting"}),
            news=_news(facts, names),
            position=head,
        )


def _newest(store: EventStore, head: int) -> list[Recorded[Any]]:
    """The newest facts of people. Between two seals there is always one."""
    facts = store.page(max(0, head - 2 * NEWS_MAX - 1))
    return [it for it in reversed(facts) if it.stream != SEALS][:NEWS_MAX]


def _news(facts: Sequence[Any], names: story.Names) -> Timeline:
    return Timeline(
        lines=tuple(story.lines(facts, names)),
        months=("",) * len(facts),
        counts={},
        total=len(facts),
        category="",
        before=None,
    )


def _task(task: TaskRow, names: story.Names, now: datetime) -> Due:
    record = task.about or task.account or task.contact
    named = names.get(record) if record else None
    late = task.due < now
    today = task.due.date() == now.date()
    return Due(
        subject=task.subject,
        about=named.label if named else "",
        href=story.page_of(named.noun, record) if named and record else "",
        due=task.due,
        signal="bad" if late else "warn" if today else "info",
        words="overdue" if late else "today" if today else task.kind or "task",
    )


def _pipeline(conn: Connection[Any], me: UUID | None) -> tuple[tuple[Sum, ...], int]:
    """What is open, by currency, and how many opportunities that is."""
    found = conn.execute(
        "SELECT currency, sum(amount), count(*) FROM views.opportunities"
        " WHERE status = 'open' AND (%(me)s::uuid IS NULL OR owner = %(me)s)"
        " GROUP BY currency ORDER BY currency",
        {"me": me},
    ).fetchall()
    sums = tuple(Sum(amount, currency or "") for currency, amount, _ in found if amount is not None)
    return sums, sum(count for _, _, count in found)


def _due(conn: Connection[Any], me: UUID | None, now: datetime) -> tuple[int, int]:
    """How many open tasks are due by the end of today, and how many were due before now."""
    found = conn.execute(
        "SELECT count(*), count(*) FILTER (WHERE due < %(now)s) FROM views.tasks"
        " WHERE status = 'open' AND due <= %(tonight)s"
        " AND (%(me)s::uuid IS NULL OR assignee = %(me)s)",
        {"me": me, "now": now, "tonight": datetime.combine(now.date(), time.max, UTC)},
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)

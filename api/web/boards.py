"""The pages of pipelines: the board, moves on it, and closing what is on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from psycopg import Connection
from starlette.responses import Response

from api.http.problems import Problem
from api.http.records import not_there
from api.main import Workspace
from api.web import cards, words
from api.web.cards import CARDS_MAX, Board, Column
from api.web.forms import Form, Typed, send, version_of
from api.web.naming import names_of
from api.web.pages import PRESENT, AsOf, Pages, Past, is_part, see
from api.web.story import as_id
from projections import questions
from projections.kit import VIEWS
from projections.opportunities import OpportunityRow
from projections.pipelines import PipelineRow
from projections.sums import NOTHING, Sum, Tally
from projections.tasks import TaskRow
from replay.history import row_as_of, rows_as_of

PIPELINES_MAX = 50
TASKS_MAX = 5_000
"""The most open tasks that are looked at for the cards of a board."""
ORDER = "stage_since DESC"
"""What arrived last in a stage stands on top."""

MEANT = "Nothing is in this stage. Cards are moved here from the other stages."
THEN = "Nothing was in this stage."


def routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/pipeline")
    def first(request: Request, past: AsOf) -> Response:
        with pages.workspace.rows.connection() as conn:
            found = questions.select(conn, "pipelines", order="name", limit=1)
        if found:
            return see(past.link(f"/pipeline/{found[0].id}"))
        return pages.show(request, "no_pipeline.html", here="Board")

    @router.get("/pipeline/{pipeline}")
    def board(request: Request, pipeline: UUID, past: AsOf) -> Response:
        return _show(pages, request, pipeline, past)

    @router.post("/pipeline/{pipeline}/moves")
    def move(request: Request, pipeline: UUID, typed: Typed) -> Response:
        return _move(pages, request, pipeline, typed)

    @router.get("/opportunities/{opportunity}")
    def opportunity(opportunity: UUID, past: AsOf) -> Response:
        return see(_place_of(_opportunity(pages.workspace, opportunity), past))

    @router.get("/opportunities/{opportunity}/close")
    def closing(request: Request, opportunity: UUID) -> Response:
        row = _opportunity(pages.workspace, opportunity)
        form = _closing(request.query_params.get("as", ""), row)
        return _ask(pages, request, row, form)

    @router.post("/opportunities/{opportunity}/close")
    def close(request: Request, opportunity: UUID, typed: Typed) -> Response:
        return _close(pages, request, _opportunity(pages.workspace, opportunity), typed)

    return router


def _move(pages: Pages, request: Request, pipeline: UUID, typed: dict[str, str]) -> Response:
    kind, _, where = typed.get("to", "").partition(":")
    opportunity = as_id(typed.get("opportunity"))
    if opportunity is None:
        raise Problem(422, "Invalid", "The form names no opportunity.", field="opportunity")
    if kind == "end":
        return see(f"/opportunities/{opportunity}/close?as={where}")
    said = {"opportunity": opportunity, "stage": where}
    try:
        send(pages.workspace, request, "change-stage", said, expected=version_of(typed))
    except Problem as problem:
        return _show(pages, request, pipeline, problem=problem)
    if not is_part(request):
        return see(f"/pipeline/{pipeline}#o-{opportunity}")
    return _show(pages, request, pipeline, moved=opportunity)


def _closing(end: str, row: OpportunityRow) -> Form:
    """What is asked when an opportunity is closed as won or as lost."""
    if end == "lost":
        return Form("close", "Lost", "circle-x", "lost", "Close as lost", _LOST)
    money = row.amount and words.money(row.amount, row.currency)
    amount = f"{money.whole}{money.fraction}" if money else ""
    values = {"amount": amount, "currency": row.currency or ""}
    return Form("close", "Won", "trophy", "won", "Close as won", values)


_LOST = {"lost_reason": "", "note": ""}


def _close(pages: Pages, request: Request, row: OpportunityRow, typed: dict[str, str]) -> Response:
    form = _closing(typed.get("as", ""), row)
    command = "win-opportunity" if form.action == "won" else "lose-opportunity"
    said = {name: typed.get(name, "") for name in form.values}
    if "amount" in said:
        said["amount"] = said["amount"].replace(",", "")
    expected = version_of(typed)
    try:
        send(pages.workspace, request, command, {**said, "opportunity": row.id}, expected=expected)
    except Problem as problem:
        if problem.status == 422 or not is_part(request):
            return _ask(pages, request, row, form.after(typed, problem), problem.status)
        return _show(pages, request, row.pipeline, problem=problem)
    if not is_part(request):
        return see(f"/pipeline/{row.pipeline}")
    return _show(pages, request, row.pipeline, said=f"{row.name} is {form.action}.")


def _ask(
    pages: Pages, request: Request, row: OpportunityRow, form: Form, status: int = 200
) -> Response:
    template = "_close.html" if is_part(request) else "close.html"
    return pages.show(request, template, here="Board", status=status, form=form, deal=row)


def _opportunity(workspace: Workspace, opportunity: UUID) -> OpportunityRow:
    with workspace.rows.connection() as conn:
        row: OpportunityRow | None = questions.get(conn, "opportunities", opportunity)
    if row is None:
        raise not_there("opportunity")
    return row


def _place_of(row: OpportunityRow, past: Past) -> str:
    """Where an opportunity can be seen: on the board, or with its customer once it is closed."""
    if row.status == "open" or not (row.account or row.contacts):
        return f"{past.link(f'/pipeline/{row.pipeline}')}#o-{row.id}"
    if row.account:
        return f"{past.link(f'/accounts/{row.account}', show='sales')}#story"
    return f"{past.link(f'/contacts/{row.contacts[0]}', show='sales')}#story"


def _show(
    pages: Pages,
    request: Request,
    pipeline: UUID,
    past: Past = PRESENT,
    *,
    problem: Problem | None = None,
    moved: UUID | None = None,
    said: str = "",
) -> Response:
    """The board, whole or the part that htmx asks for."""
    board, pipelines = read_board(pages.workspace, pipeline, past)
    return pages.show(
        request,
        "_board_answer.html" if is_part(request) else "board.html",
        here="Board",
        status=problem.status if problem else 200,
        past=past,
        board=board,
        pipelines=pipelines,
        said=said or (where_is(board, moved) if moved else ""),
        refused=_sentence(problem) if problem else "",
    )


def _sentence(problem: Problem) -> str:
    """Why a card came home."""
    if problem.code != "Stale":
        return problem.detail
    newer = problem.more.get("newer")
    last = newer[-1]["sentence"] if isinstance(newer, list) and newer else "changed"
    return (
        f"Somebody else was faster: this opportunity was {last}. The board shows it as it is now."
    )


def where_is(board: Board, opportunity: UUID) -> str:
    """Where a card has come to, for those who do not see it."""
    for column in board.columns:
        for place, card in enumerate(column.cards, start=1):
            if card.id == opportunity:
                return f"{card.name} moved to {column.stage}, {place} of {column.count}."
    return "Moved."


def read_board(
    workspace: Workspace, pipeline: UUID, past: Past
) -> tuple[Board, Sequence[PipelineRow]]:
    """The board of a pipeline at a moment, and the pipelines there are.

    Raises:
        Problem: there is no such pipeline, or there was none then.
    """
    with workspace.rows.connection() as conn:
        pipelines = questions.select(conn, "pipelines", order="name", limit=PIPELINES_MAX)
        if past.is_now:
            return _now(conn, pipeline), pipelines
        return _then(workspace, conn, pipeline, past), pipelines


def _now(conn: Connection[Any], pipeline: UUID) -> Board:
    position = questions.position(conn, "opportunities", "pipelines", "tasks")
    row = questions.get(conn, "pipelines", pipeline)
    if row is None:
        raise not_there("pipeline")
    stages = cards.open_stages(row)
    opened = {"pipeline": pipeline, "status": "open"}
    rows = {
        stage.name: questions.select(
            conn, "opportunities", {**opened, "stage": stage.name}, ORDER, limit=CARDS_MAX
        )
        for stage in stages
    }
    tasks = _tasks(conn, [row.id for held in rows.values() for row in held])
    return _board(conn, row, rows, _tallies(conn, pipeline), tasks, PRESENT, position)


def _then(workspace: Workspace, conn: Connection[Any], pipeline: UUID, past: Past) -> Board:
    store, cut = workspace.store, past.cut
    position = store.head()
    row = row_as_of(store, VIEWS["pipelines"], pipeline, cut)
    if row is None:
        raise not_there("pipeline")

    def is_open(it: OpportunityRow) -> bool:
        return it.pipeline == pipeline and it.status == "open"

    found = rows_as_of(store, VIEWS["opportunities"], cut, is_open).values()
    newest = sorted(found, key=lambda it: (it.stage_since, str(it.id)), reverse=True)
    rows = {
        stage.name: [it for it in newest if it.stage == stage.name][:CARDS_MAX]
        for stage in cards.open_stages(row)
    }
    shown = {it.id for held in rows.values() for it in held}
    planned = rows_as_of(
        store, VIEWS["tasks"], cut, lambda it: it.status == "open" and it.about in shown
    )
    tasks = _by_record(planned.values())
    return _board(conn, row, rows, cards.tallies(newest), tasks, past, position)


def _board(
    conn: Connection[Any],
    pipeline: PipelineRow,
    rows: Mapping[str, Sequence[OpportunityRow]],
    tallies: Mapping[str, Tally],
    tasks: Mapping[UUID, list[TaskRow]],
    past: Past,
    position: int,
) -> Board:
    every = [row for held in rows.values() for row in held]
    named = {i for row in every for i in (row.account, row.owner, *row.contacts[:1]) if i}
    names = names_of(conn, named)
    columns = tuple(
        Column(
            stage=stage,
            meant=MEANT if past.is_now else THEN,
            cards=tuple(cards.card(row, names, tasks, past.moment) for row in held),
            tally=tallies.get(stage, NOTHING),
        )
        for stage, held in rows.items()
    )
    return Board(pipeline.id, pipeline.name, columns, position)


def _tallies(conn: Connection[Any], pipeline: UUID) -> dict[str, Tally]:
    found = conn.execute(
        "SELECT stage, currency, count(*), sum(amount) FROM views.opportunities"
        " WHERE pipeline = %s AND status = 'open' GROUP BY stage, currency ORDER BY currency",
        [pipeline],
    ).fetchall()
    return {
        stage: Tally(
            sum(count for of, _, count, _ in found if of == stage),
            tuple(Sum(a, c or "") for of, c, _, a in found if of == stage and a is not None),
        )
        for stage in {row[0] for row in found}
    }


def _tasks(conn: Connection[Any], records: Sequence[UUID]) -> dict[UUID, list[TaskRow]]:
    where = {"status": "open", "about": records}
    return _by_record(questions.select(conn, "tasks", where, "due", limit=TASKS_MAX))


def _by_record(tasks: Iterable[TaskRow]) -> dict[UUID, list[TaskRow]]:
    found: dict[UUID, list[TaskRow]] = {}
    for task in tasks:
        if task.about is not None:
            found.setdefault(task.about, []).append(task)
    return found

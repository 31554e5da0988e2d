"""Every part of a page in every state: what is looked at first when a part is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.problems import Problem
from api.web import cards, customers, retention, story
from api.web.cards import Board, Column
from api.web.pages import Pages, Past
from api.web.records import actions
from domain.interactions import InteractionRecorded
from domain.kernel import Cut, Event, Recorded
from domain.notes import NoteWritten
from domain.opportunities import OpportunityStageChanged, OpportunityWon
from domain.orders import OrderLine, OrderPlaced
from projections.opportunities import OpportunityRow
from projections.sums import NOTHING, Sum, Tally
from projections.tasks import TaskRow

NOW = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
ACCOUNT, DEAL, MEMBER, PIPELINE, ORDER = (UUID(int=n) for n in range(1, 6))
NAMES = {
    ACCOUNT: story.Named("account", "Acme Holdings"),
    DEAL: story.Named("opportunity", "Acme renewal"),
    MEMBER: story.Named("member", "Mara Lindqvist"),
}
SIGNALS = {
    "ok": "resolved",
    "warn": "nothing planned",
    "bad": "call overdue",
    "info": "call today",
    "idle": "meeting in 5 days",
    "won": "won",
    "lost": "lost: price",
    "live": "live",
}


def routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/patterns")
    def patterns(request: Request) -> Response:
        return pages.show(request, "patterns.html", **samples())

    return router


def samples() -> dict[str, Any]:
    """Invented things, enough of them to show every state."""
    empty = actions()["notes"].form
    wrong = Problem(422, "Invalid", "", errors=[{"field": "text", "detail": "Write something."}])
    refused = Problem(409, "NoSuchAccount", "There is no such account.")
    return {
        "signals": SIGNALS,
        "then": Past(Cut(at=NOW)),
        "amounts": [(Decimal("12500"), "EUR"), (Decimal(980_000), "JPY"), (Decimal("-3.1"), "USD")],
        "board": _board(),
        "timeline": customers.timeline(_facts(), "", None, lambda it: story.lines(it, NAMES)),
        "tiles": _tiles(),
        "table": retention.cohorts(_retention(), "month"),
        "forms": [
            ("as it is at first", empty),
            ("with a wrong field", empty.after({}, wrong)),
            ("refused", actions()["tasks"].form.after({"subject": "Call Ada"}, refused)),
        ],
    }


def _board() -> Board:
    rows = [deal(n) for n in range(3)]
    tasks = {rows[0].id: [task(NOW - timedelta(days=1))], rows[1].id: [task(NOW)]}
    shown = tuple(cards.card(row, NAMES, tasks, NOW) for row in rows)
    full = Column("Proposal", "", shown, Tally(53, (Sum(Decimal(64_000), "EUR"),)))
    none = Column("Negotiation", "Nothing is in this stage.", (), NOTHING)
    return Board(PIPELINE, "New business", (full, none), 0)


def deal(n: int) -> OpportunityRow:
    return OpportunityRow(
        id=UUID(int=100 + n),
        version=1,
        name=("Acme renewal", "Acme pilot", "Acme rollout in two regions")[n],
        pipeline=PIPELINE,
        stage="Proposal",
        status="open",
        account=ACCOUNT,
        contacts=(),
        owner=MEMBER,
        product=None,
        lead=None,
        amount=(Decimal(12_500), Decimal("900.5"), None)[n],
        currency="EUR",
        expected_close=None,
        lead_source=None,
        lost_reason=None,
        external_id=None,
        opened_at=NOW - timedelta(days=30),
        stage_since=NOW - timedelta(days=12, hours=n),
        closed_at=None,
        changed_at=NOW,
    )


def task(due: datetime) -> TaskRow:
    return TaskRow(
        id=UUID(int=200),
        version=1,
        subject="Call Ada",
        kind="call",
        status="open",
        due=due,
        remind_at=None,
        assignee=MEMBER,
        about=None,
        noun=None,
        contact=None,
        account=ACCOUNT,
        lead=None,
        note=None,
        result=None,
        drop_reason=None,
        planned_by=str(MEMBER),
        planned_at=NOW,
        closed_at=None,
        changed_at=NOW,
    )


def _facts() -> list[Recorded[Any]]:
    line = OrderLine(quantity=Decimal(2), amount=Decimal(1_250))
    told: list[tuple[UUID, Event]] = [
        (DEAL, OpportunityStageChanged(from_stage="Qualified", to_stage="Proposal")),
        (
            UUID(int=6),
            InteractionRecorded(
                channel="call", direction="out", kind="held", subject="Which regions come first"
            ),
        ),
        (UUID(int=7), NoteWritten(about=ACCOUNT, noun="account", text="They decide in April.")),
        (DEAL, OpportunityWon(amount=Decimal(12_500), currency="EUR")),
        (ORDER, OrderPlaced(currency="EUR", lines=(line,), number="1042")),
    ]
    return [_recorded(n, stream, fact) for n, (stream, fact) in enumerate(told, start=1)]


def _recorded(n: int, stream: UUID, fact: Event) -> Recorded[Any]:
    at = NOW - timedelta(days=40 - 7 * n)
    return Recorded(
        event=fact,
        position=n,
        stream=stream,
        version=n,
        recorded_at=at + timedelta(days=n % 2),
        occurred_at=at,
        actor=str(MEMBER),
        command_id=UUID(int=n),
        correlation_id=UUID(int=n),
        reason="The price was right." if isinstance(fact, OpportunityWon) else None,
        source="form",
    )


def _tiles() -> list[customers.Tile]:
    return [
        customers.Tile("Won", sums=(Sum(Decimal(38_400), "EUR"),), note="3 opportunities"),
        customers.Tile("Ordered", sums=(), note="0 orders"),
        customers.Tile("Open cases", text="2", note="of 5"),
        customers.Tile("Last talk", moment=NOW, note="12 times"),
    ]


def _retention() -> list[dict[str, Any]]:
    shares = ((120, (1.0, 0.31, 0.24)), (96, (1.0, 0.22, None)), (216, (1.0, 0.27, 0.24)))
    cohorts = (datetime(2026, 1, 1, tzinfo=UTC).date(), datetime(2026, 2, 1, tzinfo=UTC).date())
    return [
        {
            "cohort": cohorts[n] if n < len(cohorts) else None,
            "size": size,
            "period": period,
            "retained": int(size * (share or 0.1)),
            "share": share,
            "complete": share is not None,
        }
        for n, (size, of) in enumerate(shares)
        for period, share in enumerate(of)
    ]

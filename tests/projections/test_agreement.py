"""What people see is what decisions are made on: rows and states agree, whatever was stored."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from domain.cases import CASE, CaseOpened
from domain.interactions import INTERACTION, InteractionRecorded
from domain.kernel import Event, fold
from domain.opportunities import OPPORTUNITY, OpportunityOpened
from domain.orders import ORDER, ZERO, OrderPlaced
from domain.tasks import TASK, TaskPlanned
from tests.architecture.anything import facts_of
from tests.given import row

few = settings(max_examples=50, deadline=None)


def _since(first: type[Event], facts: list[Event]) -> list[Event]:
    """The history from the fact that begins one; without it there is none."""
    starts = [n for n, fact in enumerate(facts) if isinstance(fact, first)]
    return facts[starts[0] :] if starts else []


@given(facts_of(["order"]))
@few
def test_orders_come_to_what_is_left_of_them(facts: list[Event]) -> None:
    facts = _since(OrderPlaced, facts)
    shown: Any = row("orders", *facts)
    state = fold(ORDER.evolve, ORDER.blank, facts)

    assert (shown.net if shown else ZERO) == sum((left.amount for left in state.left), ZERO)


@given(facts_of(["case"]))
@few
def test_cases_are_in_the_phase_they_are_in(facts: list[Event]) -> None:
    facts = _since(CaseOpened, facts)
    shown: Any = row("cases", *facts)
    state = fold(CASE.evolve, CASE.blank, facts)

    if shown:
        assert (shown.phase, shown.waiting_on) == (state.phase, state.waiting_on)
        assert (shown.owner, shown.team, shown.priority) == (
            state.owner,
            state.team,
            state.priority,
        )
        assert shown.waiting_seconds >= 0
        assert (shown.waiting_since is not None) == (shown.phase == "waiting")


@given(facts_of(["task"]))
@few
def test_tasks_are_as_they_were_left(facts: list[Event]) -> None:
    facts = _since(TaskPlanned, facts)
    shown: Any = row("tasks", *facts)
    state = fold(TASK.evolve, TASK.blank, facts)

    if shown:
        assert (shown.status, shown.due, shown.remind_at, shown.assignee) == (
            state.status,
            state.due,
            state.remind_at,
            state.assignee,
        )


@given(facts_of(["interaction"]))
@few
def test_interactions_say_what_we_hold_true(facts: list[Event]) -> None:
    facts = _since(InteractionRecorded, facts)
    shown: Any = row("interactions", *facts)
    state = fold(INTERACTION.evolve, INTERACTION.blank, facts)

    if shown:
        assert state.known is not None
        for field in state.known.__struct_fields__:
            assert getattr(shown, field) == getattr(state.known, field)


@given(facts_of(["opportunity"]))
@few
def test_the_last_stay_is_in_the_stage_of_the_opportunity(facts: list[Event]) -> None:
    facts = _since(OpportunityOpened, facts)
    shown: Any = row("stage_spans", *facts)
    state = fold(OPPORTUNITY.evolve, OPPORTUNITY.blank, facts)

    if shown:
        assert [span.n for span in shown.spans] == list(range(1, len(shown.spans) + 1))
        assert shown.spans[-1].stage == state.stage
        assert shown.owner == state.owner

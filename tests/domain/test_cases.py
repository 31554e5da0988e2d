from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import cases
from domain.cases import (
    Case,
    CaseEvent,
    CaseIsOpen,
    CaseOpened,
    CaseRated,
    CaseStatusLogged,
    Phase,
    Priority,
    WaitingOn,
    evolve,
)
from domain.kernel import Refused, fold

Decide = Callable[[Case], list[CaseEvent]]

OPENED = fold(evolve, Case(), [CaseOpened(subject="It squeaks")])
phases = st.sampled_from(get_args(Phase))
waits = st.sampled_from(get_args(WaitingOn))
priorities = st.sampled_from(get_args(Priority))
members = st.integers(1, 3).map(lambda n: UUID(int=n))
logged = st.builds(CaseStatusLogged, status=st.just("Odd"), phase=phases, waiting_on=waits)
rated = st.builds(CaseRated, score=st.integers(-1, 6), scale_max=st.just(5))

repeatable = st.one_of(
    st.just(cases.start),
    st.just(cases.resume),
    st.just(cases.close),
    st.just(lambda it: cases.resolve(it, resolution=None)),
    waits.map(lambda on: lambda it: cases.wait(it, on=on, note=None)),
    members.map(lambda who: lambda it: cases.assign(it, owner=who, team=None)),
    priorities.map(lambda priority: lambda it: cases.change_priority(it, priority=priority)),
    rated.map(lambda fact: lambda it: cases.rate(it, fact)),
)
always = logged.map(lambda fact: lambda it: cases.log_status(it, fact))
reached = st.lists(st.one_of(repeatable, always, st.just(cases.reopen)), max_size=8)


def _case(asks: list[Decide]) -> Case:
    it = OPENED
    for ask in asks:
        with contextlib.suppress(Refused):
            it = fold(evolve, it, ask(it))
    return it


@given(reached, repeatable)
def test_deciding_twice_changes_once(past: list[Decide], ask: Decide) -> None:
    it = _case(past)
    with contextlib.suppress(Refused):
        after = fold(evolve, it, ask(it))
        assert ask(after) == []


@given(reached, always)
def test_a_logged_line_is_a_fact_each_time(past: list[Decide], ask: Decide) -> None:
    it = _case(past)
    assert len(ask(it)) == len(ask(fold(evolve, it, ask(it)))) == 1


@given(reached)
def test_what_is_reopened_is_open(past: list[Decide]) -> None:
    it = _case(past)
    if it.phase in ("resolved", "closed"):
        it = fold(evolve, it, cases.reopen(it))
        assert it.phase == "in_progress"
    with pytest.raises(CaseIsOpen):
        cases.reopen(it)


@given(reached)
def test_a_case_names_whom_it_waits_for_only_while_it_waits(past: list[Decide]) -> None:
    it = _case(past)
    assert it.phase == "waiting" or it.waiting_on is None

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import tasks
from domain.kernel import Refused, fold
from domain.tasks import Task, TaskEvent, TaskIsOpen, TaskPlanned, evolve

moments = st.integers(0, 9).map(lambda day: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(day))
members = st.integers(1, 3).map(lambda n: UUID(int=n))

Decide = Callable[[Task], list[TaskEvent]]


def _asks() -> st.SearchStrategy[Decide]:
    return st.one_of(
        moments.map(lambda due: lambda it: tasks.reschedule(it, due=due)),
        moments.map(lambda at: lambda it: tasks.set_reminder(it, remind_at=at)),
        members.map(lambda who: lambda it: tasks.assign(it, assignee=who)),
        st.just(tasks.clear_reminder),
        st.just(lambda it: tasks.finish(it, result=None)),
        st.just(lambda it: tasks.drop(it, drop_reason=None)),
        st.just(tasks.reopen),
    )


planned = moments.map(lambda due: fold(evolve, Task(), [TaskPlanned(subject="Call", due=due)]))


@given(planned, st.lists(_asks(), max_size=15))
def test_a_reminder_never_comes_after_the_task_is_due(it: Task, asks: list[Decide]) -> None:
    for ask in asks:
        with contextlib.suppress(Refused):
            it = fold(evolve, it, ask(it))

    assert it.due is not None
    assert it.remind_at is None or it.remind_at <= it.due


@given(planned, st.lists(_asks(), max_size=5), _asks())
def test_deciding_twice_changes_once(it: Task, past: list[Decide], ask: Decide) -> None:
    for earlier in past:
        with contextlib.suppress(Refused):
            it = fold(evolve, it, earlier(it))
    try:
        after = fold(evolve, it, ask(it))
    except Refused:
        return
    if ask is tasks.reopen:
        with pytest.raises(TaskIsOpen):
            ask(after)
    else:
        assert ask(after) == []

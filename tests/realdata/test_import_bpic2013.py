"""A service log in three files: the log equals the files, in the order of time."""

from __future__ import annotations

from collections import Counter
from statistics import mean, median
from uuid import UUID

import duckdb
import pytest

from domain.cases import CaseOpened, CaseStatusLogged
from tests.realdata.conftest import Imported

pytestmark = pytest.mark.realdata


def test_what_became_of_the_rows(bpic2013: Imported) -> None:
    assert bpic2013.summary.counts == {"new": 7_554, "changes": 65_533 - 7_554}
    kinds = Counter(type(it.event) for it in bpic2013.events())
    assert kinds == {CaseOpened: 7_554, CaseStatusLogged: 65_533}


def test_every_line_is_as_the_files_say(bpic2013: Imported) -> None:
    numbers: dict[UUID, str | None] = {}
    ours = []
    for it in bpic2013.events():
        if isinstance(it.event, CaseOpened):
            numbers[it.stream] = it.event.number
        elif isinstance(it.event, CaseStatusLogged):
            moment = it.occurred_at.replace(tzinfo=None)
            ours.append((numbers[it.stream], it.event.status, it.event.worker, moment))
    theirs = duckdb.execute(
        """
        SELECT caseid::VARCHAR, task, user, end_timestamp::TIMESTAMP
        FROM read_csv(?, all_varchar = true)
    """,
        [[str(path) for path in bpic2013.files]],
    ).fetchall()
    assert len(theirs) == 65_533
    assert ours == sorted(theirs, key=lambda line: line[3])


def test_the_facts_of_the_log(bpic2013: Imported) -> None:
    lines = [it for it in bpic2013.events() if isinstance(it.event, CaseStatusLogged)]
    first = {it.stream: it for it in reversed(lines)}
    last = {it.stream: it for it in lines}
    days = [(last[c].occurred_at - first[c].occurred_at).total_seconds() / 86_400 for c in first]
    assert median(days) == pytest.approx(7.549126, abs=5e-7)
    assert mean(days) == pytest.approx(12.079344, abs=5e-7)
    ends = Counter(it.event.status.partition("+")[2] for it in last.values())
    assert (ends["Closed"], ends["In Call"], ends["Resolved"]) == (5_573, 1_882, 90)
    waited = {it.stream for it in lines if it.event.status == "Accepted+Wait - User"}
    assert len(waited) == 2_495

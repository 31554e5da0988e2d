from __future__ import annotations

from domain.cases import (
    CaseAssigned,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseStarted,
    CaseStatusLogged,
    CaseWaiting,
    Phase,
    WaitingOn,
)
from projections.analytics.results import Excluded
from tests.projections.logbook import Logbook


def line(status: str, phase: Phase, waiting_on: WaitingOn | None = None) -> CaseStatusLogged:
    return CaseStatusLogged(status=status, phase=phase, waiting_on=waiting_on)


def test_cases_are_measured_from_first_to_last_fact(logbook: Logbook) -> None:
    logbook.tell("a", CaseOpened(subject="A"), at="2024-01-01")
    logbook.tell("a", CaseStarted(), at="2024-01-02")
    logbook.tell("a", CaseWaiting(on="customer"), at="2024-01-03")
    logbook.tell("a", CaseResolved(), at="2024-01-05")
    logbook.tell("b", CaseOpened(subject="B"), at="2024-01-01")
    logbook.tell("b", CaseWaiting(on="vendor"), at="2024-01-01 12:00")
    logbook.tell("c", CaseOpened(subject="C"), at="2024-02-01")
    logbook.tell("c", CaseResolved(), at="2024-02-02")
    logbook.tell("c", CaseReopened(), at="2024-02-03")
    logbook.tell("c", CaseClosed(), at="2024-02-09")

    row = logbook.row("case_summary")
    assert (row["cases"], row["facts"], row["lines"]) == (3, 10, 0)
    assert (row["median_days"], row["mean_days"]) == (4.0, 12.5 / 3)
    assert (row["waited_on_customer"], row["reopened"]) == (1, 1)
    assert (row["unfinished"], row["resolved"], row["closed"]) == (1, 1, 1)
    before = logbook.row("case_summary", at="2024-01-02")
    assert (before["cases"], before["median_days"], before["waited_on_customer"]) == (2, 0.75, 0)

    found = logbook.metric("case_summary", until="2024-02-01")
    assert [r["cases"] for r in found.dicts()] == [2]
    assert found.excluded == (Excluded("cases opened on other days", 1),)


def test_the_other_systems_words_are_counted(logbook: Logbook) -> None:
    logbook.tell("a", CaseOpened(subject="A"), at="2024-01-01")
    logbook.tell("a", line("Accepted", "in_progress"), at="2024-01-01")
    logbook.tell("a", line("Accepted", "in_progress"), at="2024-01-02")
    logbook.tell("a", line("Done", "resolved"), at="2024-01-03")
    logbook.tell("b", CaseOpened(subject="B"), at="2024-01-01")
    logbook.tell("b", line("Done", "resolved"), at="2024-01-03")
    logbook.tell("b", line("Accepted", "in_progress"), at="2024-01-03")

    found = logbook.metric("case_statuses")
    assert found.rows == [("Accepted", 3, 2, 1), ("Done", 2, 2, 1)]
    assert found.excluded == (Excluded("facts that are no lines of another system", 2),)
    assert logbook.row("case_summary")["lines"] == 5
    # Of facts of one moment the one that was stored last is the last word.
    assert logbook.metric("case_statuses", by="phase").rows == [
        ("in_progress", 3, 2, 1),
        ("new", 2, 2, 0),
        ("resolved", 2, 2, 1),
    ]


def test_an_assigned_case_that_is_new_is_assigned(logbook: Logbook) -> None:
    logbook.tell("a", CaseOpened(subject="A"), at="2024-01-01")
    logbook.tell("a", CaseAssigned(team="first"), at="2024-01-02")
    logbook.tell("a", CaseStarted(), at="2024-01-03")
    logbook.tell("a", CaseAssigned(team="second"), at="2024-01-04")
    found = logbook.analyst.query("SELECT phase FROM case_log ORDER BY position")
    assert [phase for (phase,) in found.rows] == ["new", "assigned", "in_progress", "in_progress"]

"""The facts of a service log of incidents come out of the metrics, exactly."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.realdata.conftest import Imported
from tests.realdata.questions import Questions, end_of, questions

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def asked(bpic2013: Imported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questions]:
    with questions(bpic2013.dsn, tmp_path_factory.mktemp("archive")) as it:
        yield it


def test_cases_and_lines(asked: Questions) -> None:
    row = asked.row("case_summary")
    assert (row["cases"], row["lines"]) == (7_554, 65_533)
    assert round(row["median_days"], 6) == 7.549126
    assert round(row["mean_days"], 6) == 12.079344
    assert asked.sql("SELECT count(DISTINCT worker), count(DISTINCT status) FROM case_log") == [
        (1_440, 13)
    ]


def test_lines_and_last_words_by_status(asked: Questions) -> None:
    rows = {row["status"].partition("+")[2]: row for row in asked.rows("case_statuses")}
    assert len(rows) == 13
    facts = {status: row["facts"] for status, row in rows.items()}
    assert (facts["In Progress"], facts["Awaiting Assignment"]) == (30_239, 11_544)
    assert (facts["Resolved"], facts["Closed"], facts["Wait - User"]) == (6_115, 5_716, 4_217)
    last = {status: row["last"] for status, row in rows.items() if row["last"]}
    assert (last.pop("Closed"), last.pop("In Call"), last.pop("Resolved")) == (5_573, 1_882, 90)
    assert sum(last.values()) == 9


def test_cases_that_waited_on_the_user(asked: Questions) -> None:
    rows = {row["status"]: row for row in asked.rows("case_statuses")}
    assert rows["Accepted+Wait - User"]["cases"] == 2_495


def test_reopening_can_be_seen(asked: Questions, bpic2013: Imported) -> None:
    (theirs,) = duckdb.execute(
        """
        WITH lines AS (
            SELECT *, row_number() OVER () AS n FROM read_csv($files)
        ),
        pairs AS (
            SELECT
                caseid,
                split_part(task, '+', 2) IN ('In Call', 'Resolved', 'Closed', 'Cancelled') AS done,
                lag(done) OVER (PARTITION BY caseid ORDER BY end_timestamp, n) AS was_done
            FROM lines
        )
        SELECT count(DISTINCT caseid) FROM pairs WHERE was_done AND NOT done
        """,
        {"files": [str(path) for path in bpic2013.files]},
    ).fetchall()
    assert asked.row("case_summary")["reopened"] == theirs[0]


def test_the_cases_of_a_past_day_are_those_of_the_files(
    asked: Questions, bpic2013: Imported
) -> None:
    theirs = duckdb.execute(
        "SELECT count(DISTINCT caseid), count(*) FROM read_csv($files)"
        " WHERE end_timestamp < '2012-05-01'",
        {"files": [str(path) for path in bpic2013.files]},
    ).fetchall()
    row = asked.row("case_summary", end_of("2012-04-30"))
    assert [(row["cases"], row["lines"])] == theirs

from __future__ import annotations

import csv
import io
import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import click
import duckdb
import psycopg
import pytest
from click.testing import CliRunner, Result

from api.cli import PARTS, main
from api.main import Workspace
from api.settings import variables
from commands.desk import Actor, Ask
from commands.pipelines import DefinePipeline, StageInput
from commands.registry import COMMANDS

Crm = Callable[..., Result]


@pytest.fixture
def crm(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crm]:
    """The CLI on a database of its own; the exit code is checked."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str, code: int = 0, said: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, input=said)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def sold(crm: Crm) -> tuple[str, str]:
    """A pipeline and an opportunity in it, made on the command line."""
    stages = '[{"name": "New"}, {"name": "Offer"}, {"name": "Won", "kind": "won"}]'
    made = crm("do", "define-pipeline", "name=Sales", f"stages={stages}", "--format", "json")
    pipeline = json.loads(made.stdout)["stream"]
    made = crm(
        "do", "open-opportunity", "name=Acme", f"pipeline={pipeline}", "stage=New",
        "occurred_at=2025-01-10T12:00:00Z", "--format", "json",
    )  # fmt: skip
    return pipeline, json.loads(made.stdout)["stream"]


@pytest.mark.parametrize("name", sorted(PARTS))
def test_every_command_has_help_that_fits_the_list(crm: Crm, name: str) -> None:
    assert crm(name, "--help").stdout.startswith(f"Usage: main {name}")
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert "--data" in {option for it in command.params for option in it.opts}


def test_rows_can_be_had_in_every_format(crm: Crm) -> None:
    for name in ("query", "metric", "schema", "history", "log", "rebuild", "status"):
        assert "[table|csv|json|parquet]" in crm(name, "--help").stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_registered_command_can_be_done(crm: Crm, name: str) -> None:
    told = crm("do", name, "--help").stdout
    for field in COMMANDS[name].model.model_fields:
        assert field in told
    assert name in crm("do", "--list").stdout


def test_a_command_is_done_once(crm: Crm, sold: tuple[str, str]) -> None:
    opportunity = sold[1]
    said = ("do", "change-stage", f"opportunity={opportunity}", "stage=Offer", "--id", str(uuid4()))
    assert "opportunity.stage_changed" in crm(*said).stdout
    again = crm(*said, "--format", "json")
    assert json.loads(again.stdout)["repeated"]
    other = crm(*said[:3], "stage=New", *said[4:], code=1)
    assert "The same --id was sent before" in other.stderr


def test_fields_can_come_as_json(crm: Crm, sold: tuple[str, str]) -> None:
    said = json.dumps({"opportunity": sold[1], "name": "From JSON", "reason": "it is easier"})
    assert "opportunity.renamed" in crm("do", "rename-opportunity", "--json", "-", said=said).stdout
    for wrong in ("{", "[]"):
        crm("do", "rename-opportunity", "--json", "-", said=wrong, code=2)


def test_a_refusal_is_a_sentence_and_exit_code_1(crm: Crm, sold: tuple[str, str]) -> None:
    refused = crm("do", "change-stage", f"opportunity={sold[1]}", "stage=Nowhere", code=1)
    assert refused.stderr.startswith("Error: The pipeline has no open stage “Nowhere”.")
    stale = crm(
        "do", "change-stage", f"opportunity={sold[1]}", "stage=Offer", "--if-match", "7", code=1
    )
    assert "at version 1, not 7" in stale.stderr
    unknown = crm("do", "change-stage", f"opportunity={uuid4()}", "stage=Offer", code=1)
    assert unknown.stderr == "Error: There is no such opportunity.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["do", "fly"],
        ["do", "change-stage", "opportunity"],
        ["do", "change-stage", "colour=red"],
        ["do", "change-stage", "opportunity=x", "stage=New"],
        ["do", "change-stage", "stage=New"],
        ["do", "define-pipeline", "name=x", "stages=[{"],
        ["history", "deal", str(UUID(int=1))],
        ["history", "order", "x"],
        ["history", "order", str(UUID(int=1)), "--at", "yesterday"],
        ["log", "--type", "deal.won"],
        ["log", "--limit", "0"],
        ["metric"],
        ["metric", "nothing"],
        ["metric", "retention", "--set", "zone"],
        ["query", "SELECT 1", "--format", "parquet"],
        ["query", "SELECT 1", "--knew", "x"],
        ["rebuild"],
        ["rebuild", "nothing"],
        ["rebuild", "--all", "accounts"],
        ["import", "x.csv"],
        ["serve", "--role", "king"],
        ["serve", "--port", "66000"],
    ],
)
def test_wrong_usage_is_exit_code_2(crm: Crm, arguments: list[str]) -> None:
    assert crm(*arguments, code=2).stderr.splitlines()[-1].startswith("Error: ")


def test_a_history_on_the_command_line(crm: Crm, sold: tuple[str, str]) -> None:
    opportunity = sold[1]
    crm("do", "change-stage", f"opportunity={opportunity}", "stage=Offer",
        "occurred_at=2025-03-03T00:00:00Z", "reason=they asked")  # fmt: skip
    history = ("history", "opportunity", opportunity)
    assert "moved from New to Offer" in crm(*history).stdout
    assert "moved from" not in crm(*history, "--at", "2025-02-01").stdout
    assert crm(*history, "--at", "2024-01-01", code=1).stderr.startswith("Error: There is no such")
    crm("history", "opportunity", str(uuid4()), code=1)
    found = crm(*history, "--at", "2025-02-01", "--diff", "2025-04-01", "--format", "json")
    changed = {it["field"]: (it["was"], it["is"]) for it in json.loads(found.stdout)}
    assert changed["stage"] == ("New", "Offer")
    found = crm(*history, "--field", "stage", "--format", "json")
    assert [it["value"] for it in json.loads(found.stdout)] == ["Offer", "New"]
    assert json.loads(found.stdout)[0]["source"] == "cli"
    crm(*history, "--field", "colour", code=2)


def test_the_log_on_the_command_line(crm: Crm, sold: tuple[str, str]) -> None:
    found = crm("log", "--type", "opportunity.opened", "--limit", "10000", "--format", "json")
    facts = [it for it in json.loads(found.stdout) if it["stream"] == sold[1]]
    assert [it["name"] for it in facts] == ["opportunity.opened"]
    assert facts[0]["fields"]["stage"] == "New"
    after = str(facts[0]["position"] - 1)
    table = crm("log", "--after", after, "--limit", "1").stdout
    assert "opened “Acme” in New" in table
    rows = list(csv.DictReader(io.StringIO(crm("log", "--format", "csv").stdout)))
    assert rows[0]["position"] == "1"


def test_questions_on_the_command_line(crm: Crm, sold: tuple[str, str], tmp_path: Path) -> None:
    sql = f"SELECT name, position FROM events WHERE stream = '{sold[1]}'"  # noqa: S608
    (row,) = json.loads(crm("query", sql, "--format", "json").stdout)
    assert row["name"] == "opportunity.opened"
    assert json.loads(crm("query", sql, "--at", "2025-01-09", "--format", "json").stdout) == []
    assert "opportunity.opened" in crm("query", "-", said=sql).stdout
    file = tmp_path / "x.parquet"
    crm("query", sql, "--format", "parquet", "-o", str(file))
    with duckdb.connect() as database:
        assert database.read_parquet(str(file)).fetchall() == [(row["name"], row["position"])]
    wrong = crm("query", "SELECT 1\nFROM nowhere", code=1)
    assert re.match(r"Error: line 2, column \d+: ", wrong.stderr)
    assert crm("query", "DROP TABLE x", code=1).stderr.startswith("Error: ")
    assert "retention" in crm("metric", "--list").stdout
    assert crm("metric", "retention", "--at", "2025-06-30").exit_code == 0
    crm("metric", "retention", "--set", "zone=Mars", code=1)
    assert "events" in crm("schema").stdout


def test_views_are_rebuilt_and_checked(crm: Crm, sold: tuple[str, str]) -> None:
    checked = crm("rebuild", "--all", "--check", "--format", "json")
    rows = {it["view"]: it for it in json.loads(checked.stdout)}
    position = rows["opportunities"]["position"]
    assert rows["opportunities"]["rows"] >= 1
    log = crm("log", "--limit", "100000", "--format", "json")
    assert sold[1] in {it["stream"] for it in json.loads(log.stdout) if it["position"] <= position}
    assert all(it["differences"] == 0 for it in rows.values())
    assert "1 view rebuilt" in crm("rebuild", "opportunities").stderr
    status = json.loads(crm("status", "--format", "json").stdout)
    assert {it["state"] for it in status} == {"live"}


def test_a_difference_is_exit_code_1(crm: Crm, sold: tuple[str, str], workspace: Workspace) -> None:
    crm("rebuild", "opportunities")
    with psycopg.connect(workspace.dsn, autocommit=True) as conn:
        conn.execute("UPDATE views.opportunities SET name = 'tampered' WHERE id = %s", [sold[1]])
    checked = crm("rebuild", "opportunities", "--check", code=1)
    assert "opportunities" in checked.stderr.splitlines()[-1]
    crm("rebuild", "opportunities")
    crm("rebuild", "opportunities", "--check")


def test_who_acts_is_the_member_that_is_named(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    member = str(uuid4())
    monkeypatch.setenv("CRM_MEMBER", member)
    made = crm("do", "open-account", "name=Acme", "--format", "json")
    stream = json.loads(made.stdout)["stream"]
    history = crm("history", "account", stream, "--format", "json")
    assert json.loads(history.stdout)[0]["actor"] == member


def test_a_database_that_is_not_there(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/none")
    told = crm("status", code=1).stderr
    assert told.startswith("Error: The database 127.0.0.1:1/none cannot be used")
    assert "secret" not in told
    assert len(told.splitlines()) == 1
    monkeypatch.setenv("DATABASE_URL", "no address")
    assert "not an address" in crm("status", code=1).stderr


def test_a_folder_that_cannot_be_used(crm: Crm, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = crm("--data", str(tmp_path / "file" / "data"), "status", code=1).stderr
    assert told.startswith("Error: The data folder")


def test_a_setting_that_cannot_be_used(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_MEMBER", "me")
    assert crm("status", code=1).stderr.startswith("Error: The setting member cannot be used")


MAP = """
source: cli-tests
files:
  - match: "*.csv"
    do:
      - command: open-account
        fields:
          account: {id: number}
          name: name
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Two good rows and a bad one, never the same twice, with their map."""
    (tmp_path / "map.yaml").write_text(MAP)
    numbers = [uuid4().hex for _ in range(2)]
    rows = "".join(f"{number},Acme {number}\n" for number in numbers)
    (tmp_path / "rows.csv").write_text(f"number,name\n{rows},Nobody\n")
    return (str(tmp_path / "rows.csv"), "--map", str(tmp_path / "map.yaml"))


def events(crm: Crm) -> int:
    counted = crm("query", "SELECT count(*) AS n FROM events", "--format", "json")
    count: int = json.loads(counted.stdout)[0]["n"]
    return count


def test_a_dry_run_says_what_would_be_and_stores_nothing(crm: Crm, files: tuple[str, ...]) -> None:
    before = events(crm)
    told = crm("import", *files, "--dry-run", "--verbose", code=1)
    assert len(told.stdout.splitlines()) == 4
    assert "Would import 3 rows: 2 new, 1 refused. Nothing was stored." in told.stdout
    assert events(crm) == before


def test_a_strict_import_is_whole_or_not_at_all(crm: Crm, files: tuple[str, ...]) -> None:
    before = events(crm)
    told = crm("import", *files, "--strict", code=1)
    assert "rows.csv, line 4" in told.stderr
    assert told.stderr.endswith("Error: Nothing was imported, because of --strict.\n")
    assert events(crm) == before


def test_bad_rows_are_kept_and_good_ones_are_in(
    crm: Crm, files: tuple[str, ...], tmp_path: Path
) -> None:
    before, rejects = events(crm), tmp_path / "rejects.csv"
    told = crm("import", *files, "--rejects", str(rejects), code=1)
    assert "1 row was refused" in told.stderr
    assert "All others are stored." in told.stderr
    assert len(rejects.read_text().splitlines()) == 2
    assert events(crm) == before + 2
    again = crm("import", *files, code=1)
    assert "These files were imported before; nothing was done." in again.stdout
    assert events(crm) == before + 2


def test_refused_rows_never_overwrite_a_file(
    crm: Crm, files: tuple[str, ...], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    assert "is there already" in crm("import", *files, "--rejects", str(mine), code=2).stderr
    assert mine.read_text() == "mine"


def test_a_map_or_a_file_that_cannot_be_used_is_named(
    crm: Crm, files: tuple[str, ...], tmp_path: Path
) -> None:
    assert "none.csv" in crm("import", "none.csv", *files[1:], code=1).stderr
    (tmp_path / "map.yaml").write_text("files: [")
    assert crm("import", *files, code=1).stderr.startswith("Error: map.yaml")


def test_the_views_follow_while_it_is_asked(crm: Crm, workspace: Workspace) -> None:
    """The command line and a running program share one log."""
    stages = [StageInput(name="New")]
    ask = Ask(DefinePipeline(name="Shared", stages=stages), Actor("system:test"))
    stream = workspace.bus.dispatch(ask).stream
    made = crm("do", "rename-pipeline", f"pipeline={stream}", "name=Both", "--format", "json")
    assert workspace.runner.wait_for(json.loads(made.stdout)["position"], 30)

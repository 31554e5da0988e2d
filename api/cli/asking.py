"""``crm query``, ``crm metric``, ``crm schema``: questions to the whole log."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from api.cli.common import cut_of, cut_options, data_option, workspace
from api.cli.output import rows_options, show
from projections.analytics.analyst import Limits
from projections.analytics.definitions import metrics
from projections.analytics.results import Result

ROWS_MAX = 1_000_000
"""The CLI is used by whoever owns the machine: it is bounded, but widely."""
SECONDS_MAX = 300.0


@click.command("query")
@click.argument("sql")
@cut_options
@rows_options
@data_option
def query_command(
    sql: str, at: str | None, knew: str | None, form: str, output: Path | None
) -> None:
    """Ask the log in SQL: one SELECT over what crm schema lists; - reads it from stdin."""
    cut = cut_of(at, knew)
    text = sys.stdin.read() if sql == "-" else sql
    with workspace() as opened:
        _show(opened.analyst.query(text, cut, _limits()), form, output)


@click.command("metric")
@click.argument("name", required=False)
@click.option("--set", "given", multiple=True, metavar="K=V", help="A setting of the metric.")
@click.option("--list", "listed", is_flag=True, help="Name the metrics and their settings.")
@cut_options
@rows_options
@data_option
def metric_command(
    name: str | None,
    given: tuple[str, ...],
    listed: bool,
    at: str | None,
    knew: str | None,
    form: str,
    output: Path | None,
) -> None:
    """Compute a named metric."""
    if listed:
        _list(form, output)
        return
    if name is None:
        raise click.UsageError("Name a metric; --list names them all.")
    if name not in metrics():
        raise click.UsageError(f"There is no metric {name!r}. There are: {', '.join(metrics())}.")
    cut, chosen = cut_of(at, knew), dict(_pair(one) for one in given)
    with workspace() as opened:
        result = opened.analyst.metric(name, cut, chosen, _limits())
    _show(result, form, output)
    for part in result.excluded:
        click.echo(f"left out: {part.rows:,} ({part.why})", err=True)


@click.command("schema")
@rows_options
@data_option
def schema_command(form: str, output: Path | None) -> None:
    """Show what can be queried: relations with their columns."""
    with workspace() as opened:
        relations = opened.analyst.schema()
    rows = [(r.name, c.name, c.type, c.doc or r.doc) for r in relations for c in r.columns]
    show(("relation", "column", "type", "meaning"), rows, form, output)


def _limits() -> Limits:
    return Limits(seconds=SECONDS_MAX, rows=ROWS_MAX)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set {text!r} is not of the form k=v.")
    return name, value


def _list(form: str, output: Path | None) -> None:
    rows = [
        (m.name, m.title, ", ".join(f"{s.name}={s.default}" for s in m.settings.values()))
        for m in metrics().values()
    ]
    show(("metric", "title", "settings"), rows, form, output)


def _show(result: Result, form: str, output: Path | None) -> None:
    show(result.names, result.rows, form, output)
    if result.truncated:
        click.echo(f"Only the first {len(result.rows):,} rows are shown.", err=True)
    click.echo(f"As of position {result.position:,}.", err=True)

"""``crm import``: files in, by a mapping."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import click

from api.cli.common import Line, bring_views_up, data_option, told, workspace
from api.main import Workspace
from commands.desk import Actor
from commands.importing import KINDS, Plan, Progress, Summary, dry_run, known, load, run

VERDICTS_SHOWN_MAX = 20
"""Refused rows that are listed; the file of rejects has all of them."""

File = click.Path(dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=File)
@click.option("--map", "map_path", type=File, required=True, help="What the files mean (YAML).")
@click.option("--dry-run", is_flag=True, help="Say what each row would do; store nothing.")
@click.option("--strict", is_flag=True, help="Import nothing if one row would be refused.")
@click.option("--rejects", type=File, help="Where refused rows go (default: in the data folder).")
@click.option("--verbose", is_flag=True, help="With --dry-run: a line for every row.")
@data_option
def import_command(
    files: tuple[Path, ...],
    map_path: Path,
    dry_run: bool,
    strict: bool,
    rejects: Path | None,
    verbose: bool,
) -> None:
    """Import FILES as their map says. What is interrupted goes on where it was; what was
    imported before is not imported twice."""
    plan = load(map_path, files)
    with workspace() as opened:
        actor = Actor(opened.settings.actor)
        if dry_run or strict:
            refused = _try(plan, opened, actor, verbose=verbose)
            if refused and strict and not dry_run:
                raise click.ClickException("Nothing was imported, because of --strict.")
            if dry_run:
                click.get_current_context().exit(1 if refused else 0)
        _run(plan, opened, actor, rejects)


def _try(plan: Plan, opened: Workspace, actor: Actor, *, verbose: bool) -> int:
    """Says what an import would do. Returns how many rows would be refused."""
    counts: Counter[str] = Counter()
    line, rows = Line(), plan.rows
    for done, verdict in enumerate(dry_run(plan, opened.bus, actor=actor), start=1):
        counts[verdict.kind] += 1
        refused = verdict.kind == "refused"
        if verbose or (refused and counts["refused"] <= VERDICTS_SHOWN_MAX):
            line.end()
            click.echo(str(verdict), err=not verbose)
        elif done % 1_000 == 0:
            line.show(f"{done:,} of {rows:,} rows")
    line.end()
    said = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind]) or "none"
    click.echo(f"Would import {sum(counts.values()):,} rows: {said}. Nothing was stored.")
    return counts["refused"]


def _run(plan: Plan, opened: Workspace, actor: Actor, rejects: Path | None) -> None:
    before = known(plan, opened.bus)
    if rejects is not None and rejects.exists() and not before.done:
        raise click.UsageError(
            f"{rejects} is there already; refused rows need a file of their own."
        )
    if rejects is None:
        rejects = opened.settings.data / "rejects" / f"{plan.id}.csv"
        rejects.parent.mkdir(parents=True, exist_ok=True)
    if before.done and not before.finished:
        click.echo(f"Going on after {before.done:,} of {plan.rows:,} rows.", err=True)
    line, stop = Line(), threading.Event()

    def show(it: Progress) -> None:
        line.show(
            f"{it.done:,} of {it.rows:,} rows, {it.rate:,.0f} a second, {it.remaining:.0f} s to go"
        )

    with told(stop.set):
        summary = run(plan, opened.bus, actor=actor, rejects=rejects, progress=show, cancel=stop)
    line.end()
    _tell(summary)
    if not summary.finished:
        raise click.ClickException("Stopped. The same command goes on from there.")
    if not bring_views_up(opened):
        click.echo("A view has failed; crm status says why.", err=True)
    if summary.counts["refused"]:
        click.get_current_context().exit(1)


def _tell(summary: Summary) -> None:
    for verdict in summary.refusals:
        click.echo(str(verdict), err=True)
    if summary.already:
        click.echo("These files were imported before; nothing was done.")
    click.echo(f"{summary}. Batch {summary.id}.")
    if summary.counts["refused"]:
        refused = summary.counts["refused"]
        rows = "1 row was" if refused == 1 else f"{refused:,} rows were"
        where = f", and written to {summary.rejects}" if summary.rejects else ""
        click.echo(f"{rows} refused{where}. All others are stored.", err=True)

"""``crm rebuild`` and ``crm status``: views and how far they have come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from api.cli.common import Line, bring_views_up, data_option, workspace
from api.cli.output import rows_options, show
from api.main import Workspace
from api.seals import known_log_key
from event_store.relay_progress import relay_lag
from event_store.seals.sealer import MERGE_DELAY_SECONDS_MAX, seal_status
from event_store.topics import events_topic
from projections.kit import VIEWS
from replay.rebuild import Rebuilt, rebuild


@click.command("rebuild")
@click.argument("views", nargs=-1, metavar="[VIEW]...")
@click.option("--all", "every", is_flag=True, help="Every view.")
@click.option("--check", is_flag=True, help="Compare only: exit code 1 if a row is different.")
@rows_options
@data_option
def rebuild_command(
    views: tuple[str, ...], every: bool, check: bool, form: str, output: Path | None
) -> None:
    """Fold views anew from the log, while the old ones serve."""
    if every == bool(views):
        raise click.UsageError("Name views, or --all of them.")
    for name in views:
        if name not in VIEWS:
            raise click.UsageError(f"There is no view {name!r}. There are: {', '.join(VIEWS)}.")
    line = Line()
    with workspace() as opened:
        if check:
            bring_views_up(opened)
        done = rebuild(
            opened.store,
            opened.dsn,
            None if every else views,
            check=check,
            progress=lambda at, of, rate: line.show(f"{at:,} of {of:,} events, {rate:,.0f}/s"),
        )
    line.end()
    show(_COLUMNS, [_row(it) for it in done], form, output)
    _verdict(done, check=check)


_COLUMNS = (
    "view", "version", "position", "events", "rows", "differences", "digest", "seconds", "error"
)  # fmt: skip


def _row(it: Rebuilt) -> tuple[object, ...]:
    return (
        it.view,
        it.version,
        it.position,
        it.events,
        it.rows,
        it.differences,
        it.digest[:16],
        round(it.seconds, 3),
        it.error,
    )


def _verdict(done: list[Rebuilt], *, check: bool) -> None:
    """Says in a line what came of it.

    Raises:
        ClickException: a view failed, or is not as it should be.
    """
    for it in done:
        for difference in it.differing:
            click.echo(f"{it.view}: {difference}", err=True)
    wrong = [it.view for it in done if it.error or it.differences]
    if wrong:
        what = "differ from their rebuild or failed" if check else "failed"
        raise click.ClickException(f"These views {what}: {', '.join(wrong)}.")
    count = f"{len(done)} view{'s' * (len(done) != 1)}"
    told = "equal to their rebuild" if check else "rebuilt"
    click.echo(f"{count} {told}.", err=True)


def _seals(opened: Workspace) -> str:
    """How the seals stand, in words, with the key to verify them by."""
    status = seal_status(opened.store, opened.dsn)
    if status.checkpoint is None:
        return "Nothing of it is sealed."
    if status.witnesses:
        seen = f"cosigned by {', '.join(status.witnesses)}"
    else:
        seen = "cosigned by no witness" + ("" if opened.settings.witnesses else ": none is named")
    behind = f", {status.lag:,} events wait since {status.lag_seconds:.1f} s" if status.lag else ""
    if status.is_late:
        behind += f", more than the {MERGE_DELAY_SECONDS_MAX:.0f} s that are promised"
    key = known_log_key(opened.settings)
    by = f"\nThe key to verify it by is {key.verifier.text}" if key else ""
    return f"Sealed up to position {status.size:,}, {seen}{behind}.{by}"


def _kafka(opened: Workspace) -> Iterator[str]:
    """How the relay and inbound stand, where they have ever worked."""
    lag = relay_lag(opened.store, events_topic(opened.settings.workspace))
    if lag is not None:
        yield f"The relay is at position {lag.position:,}, {lag.events:,} events behind."
    letters = opened.dead_letters.standing()
    if letters.refused:
        yield (
            f"Messages: {letters.refused:,} refused, {letters.waiting:,} wait behind them,"
            f" the oldest since {letters.oldest:%Y-%m-%d %H:%M} UTC. See crm dead-letters list."
        )


@click.command("status")
@rows_options
@data_option
def status_command(form: str, output: Path | None) -> None:
    """Show how far the log and its views have come. Exit code 1 if a view has failed."""
    with workspace() as opened:
        head = opened.store.head()
        standings = opened.runner.status()
        seals = _seals(opened)
        kafka = list(_kafka(opened))
    rows = [
        (it.view, it.version, it.position, it.state, it.lag, round(it.lag_seconds, 1), it.error)
        for it in standings
    ]
    columns = ("view", "version", "position", "state", "lag", "lag_seconds", "error")
    show(columns, rows, form, output)
    click.echo(f"The log is at position {head:,}. {seals}", err=True)
    for line in kafka:
        click.echo(line, err=True)
    failed = [it.view for it in standings if it.state == "failed"]
    if failed:
        raise click.ClickException(f"These views have failed: {', '.join(failed)}.")

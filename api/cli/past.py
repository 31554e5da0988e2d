"""``crm history`` and ``crm log``: what happened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec

from api.cli.common import cut_of, cut_options, data_option, told, workspace
from api.cli.output import rows_options, show, show_records
from api.facts import fact, facts_after
from api.main import Workspace
from api.nouns import VIEW_OF, view_of
from domain.kernel import CATALOGUE, Cut, Recorded, sentence
from event_store.store import PAGE_MAX
from projections.kit import View
from replay.history import NoSuchField, Step, diff, history, provenance

FOLLOW_SECONDS = 1.0

Rows = list[tuple[Any, ...]]


@click.command("history")
@click.argument("noun", type=click.Choice(sorted(VIEW_OF)))
@click.argument("record", metavar="ID", type=click.UUID)
@cut_options
@click.option("--diff", "other", metavar="T", help="What is different at that other moment.")
@click.option("--field", help="Where the value of this field is from.")
@rows_options
@data_option
def history_command(
    noun: str,
    record: UUID,
    at: str | None,
    knew: str | None,
    other: str | None,
    field: str | None,
    form: str,
    output: Path | None,
) -> None:
    """Show what happened to a record: crm history opportunity ID."""
    cut = cut_of(at, knew)
    view = view_of(noun)
    assert view is not None  # noqa: S101  # the argument's type knows the nouns
    with workspace() as opened:
        if field is not None:
            columns, rows = _provenance(opened, record, view, field, cut)
        elif other is not None:
            columns, rows = _diff(opened, record, view, cut, cut_of(other, knew))
        else:
            columns, rows = _history(opened, record, view, cut)
    if not rows:
        raise click.ClickException(f"There is no such {noun}, or there was none at that time.")
    show(columns, rows, form, output)


def _history(
    opened: Workspace, record: UUID, view: View[Any], cut: Cut
) -> tuple[Sequence[str], Rows]:
    steps = history(opened.store, record, view, cut)
    rows: Rows = [(*_told(step.it), _changes(step)) for step in steps]
    return ("version", "occurred_at", "what", "actor", "source", "reason", "changed"), rows


def _told(it: Recorded[Any]) -> tuple[Any, ...]:
    return it.version, it.occurred_at, sentence(it.event), it.actor, it.source, it.reason


def _changes(step: Step) -> str:
    said = [f"{name}: {_plain(was)} → {_plain(now)}" for name, (was, now) in step.changed.items()]
    return "; ".join(said)


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, tuple | list | dict | msgspec.Struct):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return str(value)


def _diff(
    opened: Workspace, record: UUID, view: View[Any], cut: Cut, other: Cut
) -> tuple[Sequence[str], Rows]:
    found = diff(opened.store, record, view, cut, other)
    rows: Rows = [(name, was, now) for name, (was, now) in found.changed.items()]
    if not rows and found.now is not None:
        rows = [("(nothing)", None, None)]
    return ("field", "was", "is"), rows


def _provenance(
    opened: Workspace, record: UUID, view: View[Any], field: str, cut: Cut
) -> tuple[Sequence[str], Rows]:
    try:
        origin = provenance(opened.store, record, view, field, cut)
    except NoSuchField:
        there = ", ".join(view.row.__struct_fields__)
        raise click.UsageError(f"There is no field {field!r}. There are: {there}.") from None
    found = [] if origin is None else [origin, *origin.earlier]
    rows: Rows = [
        (it.value, it.since, it.recorded_at, it.told, it.actor, it.source, it.reason, it.position)
        for it in found
    ]
    return ("value", "since", "recorded_at", "what", "actor", "source", "reason", "position"), rows


@click.command("log")
@click.option("--after", type=click.IntRange(0), default=0, help="Begin after this position.")
@click.option("--type", "names", multiple=True, help="Only events of this name.")
@click.option("--subject", type=click.UUID, help="Only what concerns this contact or account.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--follow", is_flag=True, help="Go on with what happens, a line each.")
@cut_options
@rows_options
@data_option
def log_command(
    after: int,
    names: tuple[str, ...],
    subject: UUID | None,
    limit: int,
    follow: bool,
    at: str | None,
    knew: str | None,
    form: str,
    output: Path | None,
) -> None:
    """Show the log, oldest first."""
    cut = cut_of(at, knew)
    for name in names:
        if name not in CATALOGUE:
            raise click.UsageError(f"There is no event {name!r}.")
    with workspace() as opened:
        if follow:
            _follow(opened, after, names, subject, form)
            return
        found = list(islice(facts_after(opened.store, after, cut, names, subject), limit))
    if form == "table":
        rows = [
            (it.position, it.occurred_at, it.name, sentence(it.event), it.actor, it.stream)
            for it in found
        ]
        show(("position", "occurred_at", "name", "what", "actor", "stream"), rows, form, output)
    else:
        show_records([fact(it) for it in found], form, output)


def _concerns(it: Recorded[Any], subject: UUID | None) -> bool:
    return subject is None or subject in it.subjects


def _follow(
    opened: Workspace, after: int, names: Sequence[str], subject: UUID | None, form: str
) -> None:
    stop: list[bool] = []
    with told(lambda: stop.append(True)):
        while not stop:
            page = opened.store.page(after, PAGE_MAX, names=names or None)
            for it in page:
                if _concerns(it, subject):
                    click.echo(_line(it, form))
            if page:
                after = page[-1].position
            else:
                opened.store.wait(max(after, opened.store.head()), FOLLOW_SECONDS)


def _line(it: Recorded[Any], form: str) -> str:
    if form == "json":
        return msgspec.json.encode(fact(it), enc_hook=str).decode()
    when = it.occurred_at.isoformat(timespec="seconds")
    return f"{it.position:>8} {when} {it.name}: {sentence(it.event)}"

"""``crm dead-letters``: messages that could not be carried out, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.common import data_option, workspace
from api.cli.output import rows_options, show
from event_store.dead_letters import Letter

if TYPE_CHECKING:
    from api.main import Workspace

COLUMNS = (
    *("id", "state", "code", "field", "reason", "tries", "first_at", "last_at"),
    *("place", "key", "bytes", "dropped_by", "drop_reason"),
)


@click.group("dead-letters", no_args_is_help=True)
@data_option
def dead_letters_command() -> None:
    """Messages from Kafka that could not be carried out, and those that wait behind them."""


@dead_letters_command.command("list")
@click.option("--dropped", is_flag=True, help="Also those that were dropped.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only those after this number.")
@rows_options
@data_option
def list_command(dropped: bool, after: int, form: str, output: Path | None) -> None:
    """List them by number."""
    with workspace() as opened:
        letters = opened.dead_letters.listed(after, dropped=dropped)
    show(COLUMNS, [_row(it) for it in letters], form, output)


@dead_letters_command.command("show")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@data_option
def show_command(number: int) -> None:
    """Show one whole, with what it says."""
    with workspace() as opened:
        letter = opened.dead_letters.get(number)
    for name, value in zip(COLUMNS, _row(letter), strict=True):
        if value is not None:
            click.echo(f"{name:<12}{value}")
    for name, header in letter.message.headers:
        click.echo(f"{name:<12}{header.decode(errors='replace')}")
    if letter.message.value is not None:
        click.echo(letter.message.value.decode(errors="replace"))


@dead_letters_command.command("retry")
@click.argument("numbers", metavar="ID...", nargs=-1, type=click.IntRange(1), required=True)
@data_option
def retry_command(numbers: tuple[int, ...]) -> None:
    """Try them again. All of a key are tried in their order, until one is refused; exit code 1
    if one is."""
    with workspace() as opened:
        done = _retried(opened, numbers)
    if not done:
        raise click.ClickException("Not everything could be carried out.")


@dead_letters_command.command("drop")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.option("--reason", required=True, help="Why; it is kept, what the message said is not.")
@data_option
def drop_command(number: int, reason: str) -> None:
    """Give one up. Those that wait behind it are carried out."""
    with workspace() as opened:
        following = opened.dead_letters.drop(number, opened.settings.actor, reason)
        click.echo(f"{number} dropped")
        if following is not None and not _retried(opened, [following]):
            raise click.ClickException("The next one of its key could not be carried out.")


def _retried(opened: Workspace, numbers: Sequence[int]) -> bool:
    """Whether the letters, and all before and behind them, could be carried out."""
    from api.kafka_roles import integration  # they load Kafka's client and all commands
    from api.messages import carry_out

    actor = integration(opened)
    taken: set[int] = set()
    well = True
    for number in numbers:
        if number in taken:
            continue  # an earlier one has taken it along
        for letter, why in opened.dead_letters.retry(
            number, lambda it: carry_out(opened.bus, it, actor)
        ):
            click.echo(f"{letter.id} refused: {why.reason}" if why else f"{letter.id} done")
            taken.add(letter.id)
            well = well and why is None
    return well


def _row(letter: Letter) -> tuple[Any, ...]:
    it, why = letter.message, letter.why
    return (
        *(letter.id, letter.state),
        *((why.code, why.field, why.reason) if why else (None, None, None)),
        *(letter.tries, letter.first_at, letter.last_at),
        it.place,
        it.key.decode(errors="replace") if it.key is not None else None,
        len(it.value) if it.value is not None else None,
        *(letter.dropped_by, letter.drop_reason),
    )

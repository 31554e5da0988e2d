"""What the commands of the CLI share."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from api.moments import cut
from domain.kernel import Cut

if TYPE_CHECKING:
    from api.main import Workspace
    from api.settings import Settings

FOLLOW_SECONDS = 0.5
"""How often somebody who waits for views is told how far they are."""

F = TypeVar("F", bound=Callable[..., Any])


def _remember_data(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(dict)["data"] = value


data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    expose_value=False,
    callback=_remember_data,
    help="The data folder; DATABASE_URL names another database.",
)


def settings(**given: object) -> Settings:
    """The settings of this call, with those that its options give."""
    from api.settings import Settings

    data = click.get_current_context().ensure_object(dict).get("data")
    found = Settings.read(data=data, **given)
    if "log_level" in found.model_fields_set:
        logging.getLogger().setLevel(found.log_level.upper())
    return found


@contextmanager
def workspace() -> Iterator[Workspace]:
    """The workspace that this call is about, open for as long as the block lasts."""
    from api.main import Workspace

    with Workspace.open(settings(), runner=False) as opened:
        yield opened


def cut_options(command: F) -> F:
    """Adds ``--at`` and ``--knew``; the command takes them as arguments, for ``cut_of``."""
    knew = click.option("--knew", metavar="T", help="As it was known then (recorded time).")
    at = click.option("--at", metavar="T", help="As it was then: 2026-03-03 or a time.")
    return at(knew(command))


def cut_of(at: str | None, knew: str | None) -> Cut:
    """The cut that the options name; a text that is no moment is wrong usage."""
    try:
        return cut(at, knew)
    except ValueError as bad:
        raise click.UsageError(str(bad)) from None


class Line:
    """One line on a terminal that is written over and over. Silent where it is not seen."""

    def __init__(self) -> None:
        self._seen = sys.stderr.isatty()
        self._length = 0

    def show(self, text: str) -> None:
        if self._seen:
            sys.stderr.write(f"\r{text.ljust(self._length)}")
            sys.stderr.flush()
            self._length = len(text)

    def end(self) -> None:
        """Takes the line away; what is written next begins where it did."""
        if self._seen and self._length:
            self.show("")
            sys.stderr.write("\r")
            self._length = 0


def bring_views_up(opened: Workspace) -> bool:
    """Lets the views fold what the log holds, here or in the program that does so already.
    False where one of them has failed."""
    goal = opened.store.head()
    line = Line()
    began = time.monotonic()
    opened.runner.start()
    while not (there := opened.runner.wait_for(goal, FOLLOW_SECONDS)):
        standings = opened.runner.status()
        if all(view.state == "failed" or view.position >= goal for view in standings):
            break
        behind = min(view.position for view in standings if view.state != "failed")
        line.show(f"views: {behind:,} of {goal:,} events, {time.monotonic() - began:.0f} s")
    line.end()
    return there


@contextmanager
def told(stop: Callable[[], object]) -> Iterator[None]:
    """Within the block, being told to stop is no error but a call of ``stop``."""

    def hear(_: int, __: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

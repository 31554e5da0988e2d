"""What every read takes: a moment on two clocks, and a position to wait for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BeforeValidator

from api.http.problems import RETRY_SECONDS, Problem
from api.main import Workspace
from api.moments import moment
from domain.kernel import Cut

SEEN_SECONDS_MAX = 5.0
"""How long a read waits for a view to reach the position that the sender has seen."""


def _moment(given: object) -> object:
    return moment(given) if isinstance(given, str) else given


Moment = Annotated[datetime | None, BeforeValidator(_moment)]


@dataclass(frozen=True, slots=True)
class When:
    """The moment that a read asks about, and what it must have seen."""

    cut: Cut
    seen: int

    def wait(self, workspace: Workspace, views: Collection[str] | None = None) -> None:
        """Waits until the views (None: the log alone) have reached what the sender has seen.

        Raises:
            Problem: they did not get there in time.
        """
        if not self.seen:
            return
        if views is None:
            there = workspace.store.wait(self.seen - 1, SEEN_SECONDS_MAX) >= self.seen
        else:
            there = workspace.runner.wait_for(self.seen, SEEN_SECONDS_MAX, views=views)
        if not there:
            raise Problem(
                503,
                "NotYet",
                f"Position {self.seen} has not been reached yet. Try again.",
                retry_after=RETRY_SECONDS,
            )


def _when(
    at: Annotated[
        Moment, Query(description="As it was then (valid time); a day means its end, UTC.")
    ] = None,
    knew: Annotated[Moment, Query(description="As it was known then (recorded time).")] = None,
    seen: Annotated[
        int, Query(ge=0, le=2**62, description="A position of the log to wait for.")
    ] = 0,
) -> When:
    return When(Cut(at, knew), seen)


Asked = Annotated[When, Depends(_when)]

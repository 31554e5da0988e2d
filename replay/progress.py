"""How far a long job has come."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

Progress = Callable[[int, int, float], None]
"""Is told: events done, of how many, and how many a second."""


class Meter:
    """Measures a job's rate and tells how far it is."""

    def __init__(self, progress: Progress | None, start: int, of: int) -> None:
        self._progress = progress
        self._start, self._of = start, of
        self._since = monotonic()

    def at(self, position: int) -> None:
        """All events up to the position are done."""
        if self._progress is not None:
            done = position - self._start
            rate = done / max(monotonic() - self._since, 1e-9)
            self._progress(done, self._of - self._start, rate)

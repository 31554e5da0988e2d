"""The script of the demo: who does what when, told in any order, played in order of time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from typing import TypeVar
from uuid import UUID

from commands.cases import OpenCase
from commands.desk import Actor, Ask
from commands.orders import PlaceOrder
from commands.registry import Command

SEED = 20_240_229
DAYS = 730
"""How long the demo's history is."""
SEASONS = (0.9, 1.0, 1.15, 1.05, 1.0, 0.95, 0.6, 0.65, 1.15, 1.2, 1.3, 0.8)
"""How busy the months are, from January."""
WEEKDAYS = (1.0, 1.15, 1.2, 1.1, 0.8, 0.0, 0.0)
"""How busy the days of the week are, from Monday."""
GROWTH = 0.6
"""How much busier the last day is than the first, as a share of it."""
NUMBERED: dict[type[Command], str] = {PlaceOrder: "SO", OpenCase: "C"}
"""What carries a running number, and with which letters before it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """One command, with who sends it."""

    at: datetime
    actor: str
    command: Command


class Script:
    """Collects the lines. The same seed and day always give the same script, ids included."""

    def __init__(self, today: date, scale: float = 1.0, seed: int = SEED) -> None:
        """``today`` is the day whose beginning (UTC) ends the story; ``scale`` is the size of
        the company, where 1 is about 300 accounts."""
        self.rng = Random(seed)  # noqa: S311  # a story, no secret
        self.scale = scale
        self.until = datetime.combine(today, time(), UTC)
        self.begin = self.until - timedelta(days=DAYS)
        self.lines: list[Line] = []
        self._days = [self.begin + timedelta(days=n) for n in range(DAYS)]
        self._busy = list(accumulate(_busyness(day, n) for n, day in enumerate(self._days)))

    def many(self, count: int) -> int:
        """So many, in a company of this size; at least one."""
        return max(1, round(count * self.scale))

    def new_id(self, at: datetime) -> UUID:
        """An id as a record gets that is made at that time (UUID version 7)."""
        value = int(at.timestamp() * 1000) << 80 | self.rng.getrandbits(80)
        value = value & ~(0xF << 76) | 0x7 << 76
        return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)

    def tell(self, at: datetime, actor: UUID | str, command: Command) -> bool:
        """Adds a command that somebody gives at that time; False if the story ends before."""
        if at >= self.until:
            return False
        said = command.model_copy(update={"occurred_at": at})
        self.lines.append(Line(at, str(actor), said))
        return True

    def pick(self, of: Sequence[T]) -> T:
        return self.rng.choice(of)

    def happens(self, chance: float) -> bool:
        """``chance`` is 0 to 1."""
        return self.rng.random() < chance

    def some_time(self) -> datetime:
        """A moment in office hours, of a day that is busy in its season."""
        (day,) = self.rng.choices(self._days, cum_weights=self._busy)
        return self._office_hours(day)

    def later(self, at: datetime, days: float, spread: float = 0.5) -> datetime:
        """A moment in office hours about so many days later; half of them are sooner."""
        away = days * math.exp(self.rng.gauss(0, spread))
        moment = at + timedelta(days=away)
        if moment.date() == at.date():
            return at + timedelta(minutes=self.rng.uniform(5, 90))
        if moment.weekday() > 4:
            moment += timedelta(days=2)
        return self._office_hours(moment)

    def between(self, start: datetime, end: datetime) -> datetime:
        """Some moment between the two, in office hours where that is possible."""
        moment = start + (end - start) * self.rng.uniform(0.1, 0.9)
        if moment.weekday() > 4:
            moment -= timedelta(days=2)
        at_work = self._office_hours(moment)
        return at_work if start < at_work < end else start + (end - start) / 2

    def any_hour(self, at: datetime) -> datetime:
        """A moment of the same day, when customers read and browse."""
        hour = min(23, max(0, int(self.rng.gauss(13, 4))))
        return at.replace(hour=hour, minute=self.rng.randrange(60), second=self.rng.randrange(60))

    def _office_hours(self, day: datetime) -> datetime:
        hour = self.rng.choices(range(8, 18), (4, 8, 10, 10, 5, 6, 9, 10, 8, 4))[0]
        minute, second = self.rng.randrange(60), self.rng.randrange(60)
        return day.replace(hour=hour, minute=minute, second=second, microsecond=0)

    def asks(self) -> list[Ask]:
        """All commands in order of time, numbered, with ids that are the same every time."""
        batch = self.new_id(self.begin)
        numbers: Counter[str] = Counter()
        asks = []
        for line in sorted(self.lines, key=lambda line: line.at):
            command = line.command
            letters = NUMBERED.get(type(command))
            if letters is not None:
                numbers[letters] += 1
                number = f"{letters}-{numbers[letters]:05}"
                command = command.model_copy(update={"number": number})
            asks.append(
                Ask(
                    command,
                    Actor(line.actor),
                    command_id=self.new_id(line.at),
                    source="demo",
                    batch_id=batch,
                )
            )
        return asks


def _busyness(day: datetime, number: int) -> float:
    growth = 1 + GROWTH * number / DAYS
    return SEASONS[day.month - 1] * WEEKDAYS[day.weekday()] * growth

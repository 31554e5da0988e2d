"""An import tried or carried out: in chunks, resumable, each row once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from threading import Event as Signal
from typing import Any, NamedTuple
from uuid import UUID

from commands.bus import TRIES_MAX, Bus
from commands.desk import STATES_MAX, Actor
from commands.importing.collector import collect_young, collector_asleep
from commands.importing.deciding import KINDS, Decided, Decider, Verdict
from commands.importing.errors import BadFile, ImportRefused
from commands.importing.plan import Item, Plan
from commands.importing.rejects import Rejects
from event_store.store import Appended, Checkpoint, ClaimTaken, Conflict, Entry, EventStore

CHUNK_ROWS = 2_000
"""Rows that are stored in one transaction."""
COLLECT_CHUNKS = 25
"""How many chunks are stored between two looks for cycles among Python's objects."""
REFUSALS_SHOWN_MAX = 20
"""Refused rows that a summary holds; the file of rejects has all of them."""


class Progress(NamedTuple):
    """How far an import has come."""

    done: int
    rows: int
    rate: float
    """Rows a second, of late."""
    remaining: float
    """Seconds to go at that rate."""


@dataclass(slots=True)
class Summary:
    """What has become of an import."""

    id: UUID
    rows: int
    done: int = 0
    """Rows that have been carried out, by this run and earlier ones."""
    counts: Counter[str] = field(default_factory=Counter)
    """Rows by the kind of their verdict."""
    events: int = 0
    refusals: list[Verdict] = field(default_factory=list)
    """The first refused rows of this run."""
    resumed_at: int = 0
    """Rows that earlier runs had carried out."""
    finished: bool = False
    """Whether every row has been carried out."""
    seconds: float = 0.0
    rejects: Path | None = None
    """Where the refused rows are, if there are any."""

    @property
    def already(self) -> bool:
        """Whether there was nothing left to do."""
        return self.finished and self.resumed_at == self.rows

    def add(self, verdict: Verdict) -> None:
        """Counts a row."""
        self.done += 1
        self.counts[verdict.kind] += 1
        self.events += len(verdict.facts)
        if verdict.kind == "refused" and len(self.refusals) < REFUSALS_SHOWN_MAX:
            self.refusals.append(verdict)

    def __str__(self) -> str:
        counts = ", ".join(f"{self.counts[kind]:,} {kind}" for kind in KINDS if self.counts[kind])
        return f"{self.done:,} of {self.rows:,} rows: {counts or 'none'}; {self.events:,} events"


def known(plan: Plan, bus: Bus) -> Summary:
    """How far earlier runs of an import came."""
    return _from_checkpoint(plan, bus.store.checkpoint(str(plan.id)))


def dry_run(plan: Plan, bus: Bus, *, actor: Actor) -> Iterator[Verdict]:
    """What a run would do, row by row; nothing is stored. An import that was interrupted is
    taken up where it was.

    Raises:
        ImportRefused: the setup of the map is refused.
    """
    done = known(plan, bus).done
    decider = Decider(plan, bus.store, actor, resumed=done > 0)
    decider.setup()
    for items in _chunks(plan, done):
        with collector_asleep():
            decided = decider.decide(items)
        yield from decided.verdicts


def run(
    plan: Plan,
    bus: Bus,
    *,
    actor: Actor,
    rejects: Path,
    progress: Callable[[Progress], None] | None = None,
    cancel: Signal | None = None,
) -> Summary:
    """Carries an import out, or goes on with it where it was interrupted.

    Refused rows go to the file ``rejects``, the others into the log. ``cancel`` stops after
    the rows at hand; the same call again goes on from there.

    Raises:
        ImportRefused: the setup of the map is refused, ``rejects`` is one of the files, or
            another program is running the same import.
    """
    if any(rejects.resolve() == path.resolve() for path in plan.paths):
        raise ImportRefused(rejects.name, "the refused rows cannot go to a file that is imported")
    so_far = known(plan, bus)
    if so_far.finished:
        so_far.rejects = rejects if rejects.exists() else None
        return so_far
    with ThreadPoolExecutor(1, "import") as writer, collector_asleep():
        return _Run(plan, bus.store, actor, rejects, writer).go(progress, cancel)


def _chunks(plan: Plan, done: int) -> Iterator[list[Item]]:
    rest = islice(plan.items(), done, None)
    while items := list(islice(rest, CHUNK_ROWS)):
        yield items


def _from_checkpoint(plan: Plan, value: dict[str, Any] | None) -> Summary:
    if value is None:
        return Summary(plan.id, plan.rows)
    return Summary(
        plan.id,
        plan.rows,
        done=value["rows"],
        counts=Counter(value["counts"]),
        events=value["events"],
        resumed_at=value["rows"],
        finished=value["finished"],
    )


@dataclass(slots=True)
class _Pending:
    """Rows that are being stored while the next ones are decided."""

    items: list[Item]
    verdicts: list[Verdict]
    stored: Future[list[Appended]]
    rejects_length: int


class _Run:
    """One run of an import. Rows are decided here and stored by the ``writer`` meanwhile."""

    def __init__(
        self, plan: Plan, store: EventStore, actor: Actor, rejects: Path, writer: ThreadPoolExecutor
    ) -> None:
        value = store.checkpoint(str(plan.id))
        self._plan, self._store, self._writer = plan, store, writer
        self._summary = _from_checkpoint(plan, value)
        self._rejects = Rejects(rejects, value["rejects"] if value else 0)
        self._decider = Decider(plan, store, actor, resumed=value is not None)

    def go(self, progress: Callable[[Progress], None] | None, cancel: Signal | None) -> Summary:
        """Carries out what is left to do, or as much of it as there is time for."""
        began = time.monotonic()
        self._until_undisputed(self._decider.setup)
        pending: _Pending | None = None
        chunks = count(1)
        for items in self._rest():
            if cancel is not None and cancel.is_set():
                break
            decided = self._decider.decide(items)
            if pending is not None and not self._landed(pending):
                decided = self._decider.decide(items)  # it was built on what did not come true
            pending = self._submit(items, decided)
            if self._decider.states.size > STATES_MAX:
                self._landed(pending)
                pending = None
                self._decider.forget()
            self._report(progress, began)
            if next(chunks) % COLLECT_CHUNKS == 0:
                collect_young()
        if pending is not None:
            self._landed(pending)
        return self._end(began, progress)

    def _rest(self) -> Iterator[list[Item]]:
        try:
            yield from _chunks(self._plan, self._summary.done)
        except BadFile as bad:
            raise ImportRefused(
                bad.file,
                f"{bad.message}. The file has changed since the import began; the rows before "
                "this one are imported",
                line=bad.line,
                column=bad.column,
            ) from bad

    def _submit(self, items: list[Item], decided: Decided) -> _Pending:
        length = self._rejects.write(v for v in decided.verdicts if v.kind == "refused")
        checkpoint = self._checkpoint(decided.verdicts, length)
        stored = self._writer.submit(self._store.append_all, decided.entries, checkpoint)
        return _Pending(items, decided.verdicts, stored, length)

    def _landed(self, pending: _Pending) -> bool:
        """Waits until rows are stored and counts them. Returns whether they are stored as they
        were decided first; if not, whatever was decided after them is void."""
        undisputed = True
        try:
            pending.stored.result()
        except (Conflict, ClaimTaken):
            undisputed = False
            self._again(pending)
        for verdict in pending.verdicts:
            self._summary.add(verdict)
        self._rejects.length = pending.rejects_length
        return undisputed

    def _again(self, pending: _Pending) -> None:
        def decide() -> list[Entry]:
            decided = self._decider.decide(pending.items)
            refused = (v for v in decided.verdicts if v.kind == "refused")
            pending.verdicts, pending.rejects_length = (
                decided.verdicts,
                self._rejects.write(refused),
            )
            return decided.entries

        self._decider.forget()
        self._until_undisputed(decide, pending)

    def _until_undisputed(
        self, decide: Callable[[], list[Entry]], pending: _Pending | None = None
    ) -> None:
        """Decides and stores, and again where others were faster."""
        for left in reversed(range(TRIES_MAX)):
            self._check_alone()
            entries = decide()
            verdicts = pending.verdicts if pending else []
            length = pending.rejects_length if pending else self._rejects.length
            try:
                self._store.append_all(entries, self._checkpoint(verdicts, length))
            except (Conflict, ClaimTaken):
                self._decider.forget()
                if not left:
                    raise
            else:
                return

    def _check_alone(self) -> None:
        value = self._store.checkpoint(str(self._plan.id))
        if value is not None and value["rows"] != self._summary.done:
            raise ImportRefused(
                self._plan.document.name, "another program is carrying out the same import"
            )

    def _checkpoint(
        self, verdicts: Iterable[Verdict], rejects_length: int, *, finished: bool = False
    ) -> Checkpoint:
        """How far the import is when these rows are stored with it."""
        then = replace(self._summary, counts=self._summary.counts.copy(), refusals=[])
        for verdict in verdicts:
            then.add(verdict)
        return Checkpoint(
            str(self._plan.id),
            {
                "rows": then.done,
                "counts": dict(then.counts),
                "events": then.events,
                "rejects": rejects_length,
                "finished": finished,
            },
        )

    def _report(self, progress: Callable[[Progress], None] | None, began: float) -> None:
        if progress is None:
            return
        it = self._summary
        rate = (it.done - it.resumed_at) / max(time.monotonic() - began, 1e-9)
        progress(Progress(it.done, it.rows, rate, (it.rows - it.done) / rate if rate else 0.0))

    def _end(self, began: float, progress: Callable[[Progress], None] | None) -> Summary:
        it = self._summary
        if it.done == it.rows:
            it.finished = True
            self._store.append_all([], self._checkpoint([], self._rejects.length, finished=True))
        if it.counts["refused"]:
            it.rejects = self._rejects.path
        it.seconds = time.monotonic() - began
        self._report(progress, began)
        return it

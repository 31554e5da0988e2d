"""Runs an import in a process of its own and kills it, again and again, until it is done."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from commands.bus import Bus
from commands.importing import Plan, Summary, known
from event_store.store import EventStore

ROOT = Path(__file__).parents[3]
SECONDS_MAX = 120


def carry_out_with_kills(
    store: EventStore, plan: Plan, arguments: list[str], *, kills: int, seed: int
) -> Summary:
    """Carries an import out that is killed (SIGKILL) at that many moments, drawn by ``seed``,
    and started again each time. Returns what is known of it in the end."""
    draw = random.Random(seed)
    moments = sorted(draw.randrange(plan.rows * 9 // 10) for _ in range(kills))
    for moment in [*moments, plan.rows]:
        process = _start(arguments)
        try:
            _wait(process, store, plan, moment)
            time.sleep(draw.random() * 0.05)  # somewhere in the midst of the next chunk
        finally:
            process.kill()
            process.communicate()
    return known(plan, Bus(store))


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    script = str(Path(__file__).with_name("carry_out.py"))
    return subprocess.Popen([sys.executable, script, *arguments], cwd=ROOT, env={"PYTHONPATH": "."})


def _wait(process: subprocess.Popen[bytes], store: EventStore, plan: Plan, rows: int) -> None:
    """Until that many rows are done; for all of them, until the program has ended well."""
    if rows == plan.rows:
        assert process.wait(SECONDS_MAX) == 0
        return
    deadline = time.monotonic() + SECONDS_MAX
    while known(plan, Bus(store)).done <= rows:
        assert process.poll() in (None, 0), "the import ended by itself"
        assert time.monotonic() < deadline, "the import does not get on"
        time.sleep(0.005)

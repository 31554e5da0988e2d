"""What seals cost: how fast they follow, how late they are, and what share of a core they take."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from uuid import UUID

from domain.kernel import new_id
from domain.opportunities import OpportunityOpened, OpportunityRenamed
from event_store.postgres import PostgresEventStore
from event_store.seals import stored
from event_store.seals.checkpoints import Checkpoint
from event_store.seals.keys import LOG, SignerKey
from event_store.seals.notes import Note
from event_store.seals.sealer import MERGE_DELAY_SECONDS_MAX
from event_store.seals.sealing import Sealing
from event_store.seals.tile_store import TileFolder
from event_store.store import Entry, Envelope, Write
from replay.evidence.bundle import VERIFIER, Evidence, Pinned
from replay.verify import verify_log
from tests.benchmarks.measure import Measure, fresh_database
from tests.conftest import KEKS

ROOT = Path(__file__).parents[2]
EVENTS, CHUNK = 40_000, 2_000
"""How many events are sealed, and verified, at once."""
RATE, BURST = 300, 10
"""Events a second while the delay is measured."""
SECONDS = 15
CORE_MAX = 0.10
"""The share of a core that sealing may take at that rate."""
BUNDLE_EVENTS, STREAM_EVENTS = 10_000, 10
BUNDLE_SECONDS_MAX = 5.0
BUNDLE_MB_MAX = 200.0

KEY = SignerKey("log.example/benchmark", LOG, bytes(range(32)))
CUSTOMER = new_id()


def run() -> list[Measure]:
    with fresh_database() as dsn, tempfile.TemporaryDirectory() as name, _store(dsn) as store:
        folder = Path(name)
        tiles = TileFolder(folder / "seals")
        _append(store, EVENTS, 1)
        leaves = _rate(lambda: _seal(store, dsn, tiles), EVENTS)
        delay, core = _following(store, dsn, tiles)
        _append(store, BUNDLE_EVENTS, STREAM_EVENTS, CUSTOMER)
        _seal(store, dsn, tiles)
        verified = _rate(lambda: verify_log(dsn, tiles, KEY.verifier), store.head())
        evidence = Evidence(dsn, tiles, Pinned(KEY.verifier))
        written = _rate(lambda: evidence.write(folder / "bundle", CUSTOMER), BUNDLE_EVENTS)
        seconds, memory = _verify(folder / "bundle")
    return [
        Measure("seal.leaves", leaves, "events/s"),
        Measure("seal.delay_p99", delay, "s", bar=MERGE_DELAY_SECONDS_MAX),
        Measure("seal.core", core, "cores", bar=CORE_MAX),
        Measure("seal.verify_log", verified, "events/s"),
        Measure("seal.write_bundle", written, "events/s"),
        Measure("seal.verify_bundle", seconds, "s", bar=BUNDLE_SECONDS_MAX),
        Measure("seal.verify_bundle_memory", memory, "MB", bar=BUNDLE_MB_MAX),
    ]


@contextmanager
def _store(dsn: str) -> Iterator[PostgresEventStore]:
    store = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
    yield store
    store.close()


def _append(store: PostgresEventStore, events: int, each: int, *subjects: UUID) -> None:
    for _ in range(0, events, CHUNK):
        store.append_all([_entry(each, *subjects) for _ in range(CHUNK // each)])


def _entry(events: int, *subjects: UUID) -> Entry:
    ask = new_id()
    first = OpportunityOpened(name="A deal", pipeline=CUSTOMER, stage="new", account=CUSTOMER)
    others = [OpportunityRenamed(name=f"Name {n}") for n in range(1, events)]
    write = Write(new_id(), 0, (first, *others), subjects)
    return Entry(Envelope("member", ask, ask, source="api"), (write,))


def _rate(work: Callable[[], object], events: int) -> float:
    since = perf_counter()
    work()
    return events / (perf_counter() - since)


def _seal(store: PostgresEventStore, dsn: str, tiles: TileFolder) -> None:
    with stored.connect(dsn) as conn:
        Sealing(store, conn, tiles, KEY).step()


# --- The delay, and what it costs

SEALER = """
import sys, time
from pathlib import Path
from event_store.postgres import PostgresEventStore
from event_store.seals.sealer import Sealer
from tests.benchmarks.seal import KEY, KEKS

store = PostgresEventStore(sys.argv[1], claim_key=bytes(32), keks=KEKS)
sealer = Sealer(store, sys.argv[1], Path(sys.argv[2]), KEY)
sealer.start()
sys.stdin.readline()
spent = time.process_time()
sys.stdin.readline()
print(time.process_time() - spent)
sealer.stop()
store.close()
"""


def _following(store: PostgresEventStore, dsn: str, tiles: TileFolder) -> tuple[float, float]:
    """The 99th percentile of the seconds from the answer to an append until a published
    checkpoint covers it, and the cores that a sealer in a process of its own takes."""
    sealer = subprocess.Popen(
        [sys.executable, "-c", SEALER, dsn, str(tiles.folder)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert sealer.stdin is not None
    assert sealer.stdout is not None
    store.append(_entry(1))
    while _sealed(tiles) < store.head() - 1:
        time.sleep(0.01)
    sealer.stdin.write("\n")
    sealer.stdin.flush()
    since = perf_counter()
    delays = _delays(store, tiles)
    sealer.stdin.write("\n")
    sealer.stdin.flush()
    core = float(sealer.stdout.readline()) / (perf_counter() - since)
    sealer.communicate()
    return delays[len(delays) * 99 // 100], core


def _delays(store: PostgresEventStore, tiles: TileFolder) -> list[float]:
    answered: list[tuple[int, float]] = []
    writer = threading.Thread(target=_write, args=(store, answered))
    writer.start()
    delays: list[float] = []
    while writer.is_alive() or len(delays) < len(answered):
        size, now = _sealed(tiles), perf_counter()
        while len(delays) < len(answered) and answered[len(delays)][0] <= size:
            delays.append(now - answered[len(delays)][1])
        time.sleep(0.01)
    return sorted(delays)


def _write(store: PostgresEventStore, answered: list[tuple[int, float]]) -> None:
    begin = perf_counter()
    for number in range(SECONDS * RATE // BURST):
        time.sleep(max(0.0, begin + number * BURST / RATE - perf_counter()))
        done = store.append_all([_entry(1) for _ in range(BURST)])
        answered.append((done[-1].position, perf_counter()))


def _sealed(tiles: TileFolder) -> int:
    note = tiles.checkpoint()
    return Checkpoint.parse(Note.parse(note).text).size if note else 0


def _verify(bundle: Path) -> tuple[float, float]:
    """The seconds and the megabytes that the verifier takes, as an auditor starts it."""
    since = perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(VERIFIER), str(bundle), "--log-key", KEY.verifier.text],
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return perf_counter() - since, used.ru_maxrss / 1024

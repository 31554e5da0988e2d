"""How fast a file becomes facts, beside one save per row with the library's default recorder.

Ours is the whole way: the file checked, each row mapped, validated as commands, decided, and
stored durably with its place in the import. Theirs is a bare loop over the same rows.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median as middle
from time import perf_counter
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

import commands
from commands.bus import Bus
from commands.desk import Actor
from commands.importing import load
from commands.importing import run as carry_out
from event_store.postgres import PostgresEventStore
from tests.benchmarks.measure import RUNS, Measure, fresh_database
from tests.conftest import KEKS

ROOT = Path(commands.__file__).parents[1]
MAP = ROOT / "examples" / "cdnow.yaml"
NAME = "CDNOW_master.txt"
ROWS, CUSTOMERS, DAYS = 69_659, 23_570, 545
"""The shape of the real file, for one that is made up where the real one is not there."""
THEIR_ROWS = 1_500
RATE_MIN = 5_000.0
"""Rows a second that are promised on two cores."""
FACTOR_MIN = 10.0
"""How many times one save per row with the library's default recorder is promised at least."""


def run() -> list[Measure]:
    with _file() as path:
        rates = [_both(path) for _ in range(RUNS)]
    ours, ratio = middle(r for r, _ in rates), middle(r / other for r, other in rates)
    return [
        Measure("import.library_default", middle(other for _, other in rates), "rows/s"),
        Measure("import.rows", ours, "rows/s", bar=RATE_MIN),
        Measure("import.rows_to_library", ours, "rows/s", ratio, FACTOR_MIN),
    ]


def _both(path: Path) -> tuple[float, float]:
    with fresh_database() as dsn:
        return _ours(dsn, path), _theirs(dsn, path)


def _ours(dsn: str, path: Path) -> float:
    store = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
    since = perf_counter()
    plan = load(MAP, [path])
    done = carry_out(plan, Bus(store), actor=Actor("bench"), rejects=path.with_suffix(".rejects"))
    seconds = perf_counter() - since
    store.close()
    if done.counts["new"] != plan.rows:
        raise AssertionError(f"not every row went in: {done}")
    return plan.rows / seconds


class Customer(Aggregate):
    @event("Added")
    def __init__(self, name: str) -> None:
        self.name = name


class Order(Aggregate):
    @event("Placed")
    def __init__(self, customer: UUID, at: datetime, quantity: int, amount: Decimal) -> None:
        self.customer, self.at, self.quantity, self.amount = customer, at, quantity, amount


class Shop(Application[UUID]):
    pass


def _theirs(dsn: str, path: Path) -> float:
    app = Shop(_environment(dsn))
    known: dict[str, UUID] = {}
    lines = path.read_text().splitlines()[1 : THEIR_ROWS + 1]
    since = perf_counter()
    for line in lines:
        _save(app, known, line.split())
    seconds = perf_counter() - since
    app.close()
    return len(lines) / seconds


def _save(app: Shop, known: dict[str, UUID], cells: list[str]) -> None:
    name, day, quantity, amount = cells
    new = [] if name in known else [Customer(name)]
    known |= {customer.name: customer.id for customer in new}
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    app.save(*new, Order(known[name], at, int(quantity), Decimal(amount)))


def _environment(dsn: str) -> dict[str, str]:
    given = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    names = {"dbname": "", "host": "", "port": "5432", "user": "", "password": ""}
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_SCHEMA": "public",
        **{f"POSTGRES_{n.upper()}": given.get(n, default) for n, default in names.items()},
    }


@contextmanager
def _file() -> Iterator[Path]:
    """The real file, or one of its shape."""
    beside = ROOT.parent / "shared" / "data"
    real = Path(os.environ.get("CRM_SHARED_DATA", beside)) / "cdnow" / NAME
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_text(real.read_text() if real.is_file() else _made_up())
        yield path


def _made_up() -> str:
    draw = random.Random(1997)
    customers = [
        *range(1, CUSTOMERS + 1),
        *draw.choices(range(1, CUSTOMERS + 1), k=ROWS - CUSTOMERS),
    ]
    lines = [" customer_id  date number_of_cds  dollar_value"]
    for customer in sorted(customers):
        day = date(1997, 1, 1) + timedelta(days=draw.randrange(DAYS))
        count = draw.randint(1, 5)
        lines.append(f" {customer:05} {day:%Y%m%d} {count:2} {count * 14.5:7.2f}")
    return "\n".join(lines) + "\n"

"""How fast views follow the log and are rebuilt, beside the library's own projection runner.

Both fold the same events onto rows of the same columns, in tables of the same server.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median as middle
from time import perf_counter
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

import projections  # noqa: F401  # fills the register of views
from domain.kernel import Event, Recorded, new_id
from domain.opportunities import (
    OpportunityOpened,
    OpportunityRenamed,
    OpportunityStageChanged,
    OpportunityWon,
)
from event_store.postgres import PostgresEventStore
from event_store.store import Entry, Envelope, EventStore, Write
from projections.kit import Key, View
from replay.rebuild import rebuild
from replay.runner import Runner
from tests.benchmarks.measure import RUNS, Measure, fresh_database
from tests.conftest import KEKS

EVENTS_EACH = 4
OURS, THEIRS = 40_000, 2_000
"""Events of each run. Rates do not depend on them; theirs are fewer as they take long."""
BATCH = 1_000
LOOKS = 40
THEIR_SECONDS_MAX, SEEN_SECONDS_MAX = 120.0, 5.0
FACTOR_MIN = 10.0
"""How many times the library's rate is promised at least."""


class DealRow(msgspec.Struct, frozen=True, gc=False):
    id: UUID
    name: str
    stage: str
    status: str
    version: int


class Deals(View[DealRow]):
    name = "deals"
    version = 1
    row = DealRow
    reads = (OpportunityOpened, OpportunityStageChanged, OpportunityRenamed, OpportunityWon)

    def evolve(self, row: DealRow | None, it: Recorded[Any], key: Key) -> DealRow | None:
        match it.event:
            case OpportunityOpened(name=name, stage=stage):
                return DealRow(it.stream, name, stage, "open", it.version)
            case OpportunityStageChanged(to_stage=stage):
                return row and replace(row, stage=stage, version=it.version)
            case OpportunityRenamed(name=name):
                return row and replace(row, name=name, version=it.version)
            case _:
                return row and replace(row, status="won", version=it.version)


def _history(n: int) -> tuple[Event, ...]:
    return (
        OpportunityOpened(name=f"Deal {n}", pipeline=UUID(int=1), stage="New"),
        OpportunityStageChanged(from_stage="New", to_stage="Offer"),
        OpportunityRenamed(name=f"Deal {n} again"),
        OpportunityWon(),
    )


def _fill(store: EventStore, events: int) -> None:
    for first in range(0, events // EVENTS_EACH, BATCH):
        store.append_all(
            [
                Entry(Envelope("bench", new_id(), new_id()), (Write(new_id(), 0, _history(n)),))
                for n in range(first, min(first + BATCH, events // EVENTS_EACH))
            ]
        )


class Deal(Aggregate):
    @event("Opened")
    def __init__(self, name: str, stage: str) -> None:
        self.name, self.stage, self.status = name, stage, "open"

    @event("StageChanged")
    def move(self, stage: str) -> None:
        self.stage = stage

    @event("Renamed")
    def rename(self, name: str) -> None:
        self.name = name

    @event("Won")
    def win(self) -> None:
        self.status = "won"


class Sales(Application[UUID]):
    pass


class DealsTable(PostgresTrackingRecorder):
    """The library's way: each event's row and tracking in a transaction of their own."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        table = Identifier(datastore.schema, "their_deals")
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (id uuid PRIMARY KEY, name text, stage text,"
                " status text, version bigint)"
            ).format(table)
        )
        self._insert = SQL("INSERT INTO {} VALUES (%s, %s, %s, 'open', %s)").format(table)
        self._update = SQL("UPDATE {} SET {} = %s, version = %s WHERE id = %s")
        self._table = table

    def opened(self, values: tuple[Any, ...], tracking: Tracking) -> None:
        self._write(self._insert, values, tracking)

    def changed(self, field: str, values: tuple[Any, ...], tracking: Tracking) -> None:
        self._write(self._update.format(self._table, Identifier(field)), values, tracking)

    def _write(self, statement: Any, values: tuple[Any, ...], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking=tracking)
            cursor.execute(statement, values, prepare=True)


class TheirDeals(Projection[DealsTable]):
    name = "their_deals"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        it, place = domain_event, domain_event.originator_version
        match type(it).__name__:
            case "Opened":
                self.view.opened((it.originator_id, it.name, it.stage, place), tracking)
            case "StageChanged":
                self.view.changed("stage", (it.stage, place, it.originator_id), tracking)
            case "Renamed":
                self.view.changed("name", (it.name, place, it.originator_id), tracking)
            case _:
                self.view.changed("status", ("won", place, it.originator_id), tracking)


def _deal(n: int) -> Deal:
    deal = Deal(name=f"Deal {n}", stage="New")
    deal.move("Offer")
    deal.rename(f"Deal {n} again")
    deal.win()
    return deal


def _environment(dsn: str) -> dict[str, str]:
    given = conninfo_to_dict(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_SCHEMA": "public",
        "POSTGRES_DBNAME": str(given.get("dbname", "")),
        "POSTGRES_HOST": str(given.get("host", "")),
        "POSTGRES_PORT": str(given.get("port", 5432)),
        "POSTGRES_USER": str(given.get("user", "")),
        "POSTGRES_PASSWORD": str(given.get("password", "")),
    }


def run() -> list[Measure]:
    rates = [_rates() for _ in range(RUNS)]
    theirs, live, anew = (middle(of) for of in zip(*rates, strict=True))
    to_live = middle(ours / library for library, ours, _ in rates)
    to_anew = middle(ours / library for library, _, ours in rates)
    return [
        Measure("views.library_runner", theirs, "events/s"),
        Measure("views.live", live, "events/s", to_live, FACTOR_MIN),
        Measure("views.rebuild", anew, "events/s", to_anew, FACTOR_MIN),
        Measure("views.seen", _seen(), "ms"),
    ]


def _rates() -> tuple[float, float, float]:
    """Events a second: the library's runner, ours in batches, and a rebuild."""
    with fresh_database() as dsn:
        return (_theirs(dsn), *_ours(dsn))


def _rate(events: int, work: Callable[[], object]) -> float:
    since = perf_counter()
    work()
    return events / (perf_counter() - since)


def _theirs(dsn: str) -> float:
    env = _environment(dsn)
    app = Sales(env)
    for first in range(0, THEIRS // EVENTS_EACH, BATCH):
        last = min(first + BATCH, THEIRS // EVENTS_EACH)
        app.save(*[_deal(n) for n in range(first, last)])
    head = app.recorder.max_notification_id()
    app.close()

    def follow() -> None:
        with ProjectionRunner(
            application_class=Sales, projection_class=TheirDeals, view_class=DealsTable, env=env
        ) as running:
            running.wait(head, timeout=THEIR_SECONDS_MAX)

    return _rate(THEIRS, follow)


def _ours(dsn: str) -> tuple[float, float]:
    store = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
    following = Runner(store, dsn, [Deals()])
    following.prepare()  # while the log is empty: so it is followed, not rebuilt
    _fill(store, OURS)
    live = _rate(OURS, following.catch_up)
    anew = _rate(OURS, lambda: rebuild(store, dsn, views=[Deals()]))
    store.close()
    return live, anew


def _seen() -> float:
    """Milliseconds from the call of an append until every view of the program shows it."""
    delays = []
    with fresh_database() as dsn:
        store = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
        following = Runner(store, dsn)
        following.start()
        for n in range(LOOKS):
            since = perf_counter()
            write = Write(new_id(), 0, _history(n)[:1])
            done = store.append(Entry(Envelope("bench", new_id(), new_id()), (write,)))
            following.wait_for(done.position, SEEN_SECONDS_MAX)
            delays.append((perf_counter() - since) * 1000)
        following.stop()
        store.close()
    return middle(delays)

# ruff: noqa: S608 - the SQL is made of our own names
from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import msgspec
import psycopg
import pytest

from domain.contacts import ContactAdded
from domain.kernel import CATALOGUE, Cut, Event, new_id
from domain.opportunities import OpportunityOpened, OpportunityRenamed
from event_store.archive import Archive
from event_store.codec import UnreadableEvent
from event_store.columns import column, payload
from event_store.postgres import PostgresEventStore
from event_store.segments import Manifest
from event_store.store import Entry, Envelope, Write
from tests.golden.samples import filled

SEGMENT = 10
COUNT = """
import sys
from pathlib import Path
import domain
from event_store.archive import Archive
archive = Archive(sys.argv[1], Path(sys.argv[2]), segment_events={size})
with archive.connect() as log:
    print(log.execute("SELECT count(*) FROM events").fetchall()[0][0])
archive.close()
"""
YEAR = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archive(database: str, folder: Path) -> Iterator[Archive]:
    archive = Archive(database, folder, segment_events=SEGMENT)
    yield archive
    archive.close()


def add(store: PostgresEventStore, *facts: Event, at: datetime | None = None) -> UUID:
    """Appends facts to a new stream."""
    stream = new_id()
    envelope = Envelope("ada", new_id(), new_id(), occurred_at=at, reason="it\nhas\nlines")
    store.append(Entry(envelope, (Write(stream, 0, facts, (stream,)),)))
    return stream


def opened(name: str = "First") -> OpportunityOpened:
    return OpportunityOpened(name=name, pipeline=UUID(int=1), stage="new")


def fill(store: PostgresEventStore, events: int) -> None:
    """Makes the log that much longer."""
    facts = (opened(), *(OpportunityRenamed(name=f"n{i}") for i in range(events - 1)))
    add(store, *facts)


def positions(connection: duckdb.DuckDBPyConnection) -> list[int]:
    rows = connection.execute("SELECT position FROM events ORDER BY position").fetchall()
    return [row[0] for row in rows]


def manifest(folder: Path) -> Manifest:
    return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)


def test_an_empty_log_has_its_relations(archive: Archive) -> None:
    with archive.connect() as log:
        assert positions(log) == []
        assert log.execute("SELECT amount FROM opportunity_opened").fetchall() == []


def test_every_kind_of_event_comes_out_as_it_went_in(
    store: PostgresEventStore, archive: Archive
) -> None:
    facts = {kind.name: filled(kind.cls) for kind in CATALOGUE.values()}
    for fact in facts.values():
        add(store, fact)
    with archive.connect() as log:
        for name, kind in CATALOGUE.items():
            fields = payload(kind)
            if not fields:
                continue
            found = log.execute(
                f"SELECT to_json({column(name)}) FROM events WHERE name = ?", [name]
            )
            told = json.loads(found.fetchall()[0][0])
            assert told == _as_json(facts[name], set(fields)), name


def _as_json(fact: Event, fields: set[str]) -> dict[str, Any]:
    """What DuckDB says of the same values: numbers with four places, moments in its own words."""
    log = duckdb.connect()
    log.execute("SET TimeZone = 'UTC'")
    said = json.dumps({k: v for k, v in msgspec.to_builtins(fact).items() if k in fields})
    shape = json.dumps(payload(fact.__event__))
    found = log.execute("SELECT to_json(from_json(?, ?))", [said, shape]).fetchall()
    log.close()
    return dict(json.loads(found[0][0]))


def test_the_envelope_is_that_of_the_log(store: PostgresEventStore, archive: Archive) -> None:
    stream = add(store, opened(), at=YEAR)
    (it,) = store.read(stream)
    with archive.connect() as log:
        found = log.execute(
            "SELECT position, stream, version, name, type_version, noun, epoch_us(occurred_at),"
            " epoch_us(recorded_at), actor, on_behalf_of, reason, source, command_id,"
            " correlation_id, causation_id, batch_id, subjects FROM events"
        ).fetchall()
    micro = timedelta(microseconds=1)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert found == [
        (
            *(1, stream, 1, "opportunity.opened", 1, "opportunity"),
            *((it.occurred_at - epoch) // micro, (it.recorded_at - epoch) // micro),
            *("ada", None, "it\nhas\nlines", None, it.command_id, it.correlation_id),
            *(None, None, [stream]),
        )
    ]


def test_what_is_personal_is_not_in_it(store: PostgresEventStore, archive: Archive) -> None:
    add(store, ContactAdded(first_name="Ada", last_name="Lovelace", external_id="c-1"))
    with archive.connect() as log:
        said = log.execute("SELECT to_json(e)::VARCHAR FROM events AS e").fetchall()[0][0]
    assert "c-1" in said
    assert "Ada" not in said
    assert "Lovelace" not in said
    for kind in CATALOGUE.values():
        assert not set(payload(kind)) & set(kind.personal_fields)


def test_both_clocks_cut(store: PostgresEventStore, archive: Archive) -> None:
    add(store, opened(), at=YEAR)
    (early,) = store.page(0)
    add(store, opened(), at=YEAR + timedelta(days=1))
    for cut, expected in (
        (Cut(), [1, 2]),
        (Cut(at=YEAR), [1]),
        (Cut(at=YEAR - timedelta(microseconds=1)), []),
        (Cut(knew=early.recorded_at), [1]),
        (Cut(at=YEAR + timedelta(days=1), knew=early.recorded_at), [1]),
    ):
        with archive.connect(cut) as log:
            assert positions(log) == expected


def test_a_connection_stays_as_it_is_and_the_next_one_sees_more(
    store: PostgresEventStore, archive: Archive
) -> None:
    fill(store, 3)
    with archive.connect() as before:
        fill(store, 2 * SEGMENT)
        with archive.connect() as after:
            assert len(positions(after)) == 3 + 2 * SEGMENT
        assert len(positions(before)) == 3


def test_full_runs_are_sealed_and_stay(
    store: PostgresEventStore, archive: Archive, database: str, folder: Path
) -> None:
    fill(store, 2 * SEGMENT + 5)
    archive.connect().close()
    listed = manifest(folder).segments
    assert [(s.first, s.last, s.rows) for s in listed] == [(1, 10, 10), (11, 20, 10)]
    files = {s.file: (folder / s.file).stat().st_mtime_ns for s in listed}

    add(store, ContactAdded(external_id="new kind"))
    other = Archive(database, folder, segment_events=SEGMENT)
    with other.connect() as log:
        assert positions(log) == list(range(1, 2 * SEGMENT + 7))
        assert log.execute("SELECT external_id FROM contact_added").fetchall() == [("new kind",)]
    other.close()
    assert {s.file: (folder / s.file).stat().st_mtime_ns for s in listed} == files


def test_kinds_that_are_new_do_not_break_old_segments(
    store: PostgresEventStore, archive: Archive, folder: Path
) -> None:
    fill(store, SEGMENT)
    archive.connect().close()
    for _ in range(SEGMENT):
        add(store, ContactAdded(external_id="c"))
    with archive.connect() as log:
        assert log.execute("SELECT count(*) FROM contact_added").fetchall() == [(SEGMENT,)]
        assert log.execute("SELECT count(*) FROM opportunity_renamed").fetchall() == [(9,)]
    assert [set(s.kinds) for s in manifest(folder).segments] == [
        {"opportunity.opened", "opportunity.renamed"},
        {"contact.added"},
    ]


@pytest.mark.parametrize("harm", ["damaged", "deleted", "other fields", "other log"])
def test_what_does_not_fit_is_made_anew(
    store: PostgresEventStore, archive: Archive, database: str, folder: Path, harm: str
) -> None:
    fill(store, 3 * SEGMENT)
    archive.connect().close()
    listed = manifest(folder)
    file = folder / listed.segments[1].file
    if harm == "damaged":
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    elif harm == "deleted":
        file.unlink()
    elif harm == "other fields":
        changed = msgspec.structs.replace(listed.segments[1], kinds={"opportunity.renamed": "x"})
        parts = (listed.segments[0], changed, listed.segments[2])
        said = msgspec.json.encode(msgspec.structs.replace(listed, segments=parts))
        (folder / "manifest.json").write_bytes(said)
    else:
        said = msgspec.json.encode(msgspec.structs.replace(listed, log="another"))
        (folder / "manifest.json").write_bytes(said)

    other = Archive(database, folder, segment_events=SEGMENT)
    with other.connect() as log:
        assert positions(log) == list(range(1, 3 * SEGMENT + 1))
    other.close()
    assert len(manifest(folder).segments) == 3
    assert (folder / manifest(folder).segments[1].file).exists()


def test_several_processes_share_a_folder(
    store: PostgresEventStore, database: str, folder: Path
) -> None:
    fill(store, 5 * SEGMENT + 1)
    code = COUNT.format(size=SEGMENT)
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, database, str(folder)],
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [process.communicate()[0].strip() for process in started]
    assert said == [str(5 * SEGMENT + 1)] * 3
    assert [s.first for s in manifest(folder).segments] == [1, 11, 21, 31, 41]
    assert len(list(folder.glob("events-*.parquet"))) == 5


@pytest.mark.parametrize("topic", ["opportunity.opened/2", "nobody.knows/1"])
def test_an_event_that_it_cannot_read_is_named(
    store: PostgresEventStore, archive: Archive, database: str, topic: str
) -> None:
    add(store, opened())
    with psycopg.connect(database) as log:
        columns = [
            str(row[0])
            for row in log.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'log' AND table_name = 'events'"
            )
        ]
        other = {"topic": "%s", "originator_version": "2", "notification_id": "2"}
        copy = f"SELECT {', '.join(other.get(c, c) for c in columns)} FROM log.events"
        log.execute(f"INSERT INTO log.events ({', '.join(columns)}) {copy}".encode(), [topic])
    with pytest.raises(UnreadableEvent, match=topic):
        archive.connect()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO 'out.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM 'https://example.com/x.parquet'",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SELECT * FROM pytest",
    ],
)
def test_there_is_no_way_out(archive: Archive, sql: str) -> None:
    with archive.connect() as log, pytest.raises(duckdb.Error):
        log.execute(sql)

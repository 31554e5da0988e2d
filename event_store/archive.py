"""The log for analysts: sealed Parquet segments and the hot tail as one DuckDB relation."""

# ruff: noqa: S608 - identifiers and literals are made of the event classes and our own paths

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from domain.kernel import CATALOGUE, NOW, Cut
from event_store.codec import UnreadableEvent
from event_store.columns import ENVELOPE, decoded, digest, literal
from event_store.relations import TAIL, tail_table, views
from event_store.segments import Manifest, Segment, SegmentFolder

SEGMENT_EVENTS = 65_536
"""How many events a sealed segment holds."""
QUERY_MEMORY_MAX = "1GB"
"""What all queries of a process together may use, the hot tail among them."""
LINE_BYTES_MAX = 16 << 20
"""The longest stored event, as one line of CSV."""
ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)

_COPIED: dict[str, str] = {
    "position": "notification_id",
    "stream": "originator_id",
    "version": "originator_version",
    "topic": "topic",
    **{
        c: c
        for c in ENVELOPE
        if c not in ("position", "stream", "version", "name", "type_version", "noun", "subjects")
    },
    "subjects": "translate(subjects::text, '{}', '[]')",
    "state": "convert_from(state, 'UTF8')",
}
"""What is copied out of PostgreSQL: our name, and where it comes from."""


class Archive:
    """Gives DuckDB the whole log. Safe to share between threads; processes may share the folder.

    Every connection sees the relation ``events``: the envelope of each event and, for each kind
    of event that has fields, one struct column named after it (``opportunity_opened.amount``).
    Beside it stand one view for each kind of event (``opportunity_opened``), with the envelope and
    the fields side by side, and one for each noun with all of its events (``opportunity_facts``).
    Personal fields are not in it. The database is locked: it reaches no file but the segments
    and no network, and its settings stay as they are.
    """

    def __init__(
        self,
        store_dsn: str,
        folder: Path,
        *,
        memory_max: str = QUERY_MEMORY_MAX,
        segment_events: int = SEGMENT_EVENTS,
    ) -> None:
        self._dsn = store_dsn
        self._size = segment_events
        self._folder = SegmentFolder(folder)
        self._lock = threading.Lock()
        self._manifest = Manifest(log="")
        self._stamp = (0, 0)
        self._position = 0
        self._loaded = 0
        self._maker = duckdb.connect(":memory:")
        self._maker.execute("SET TimeZone = 'UTC'")
        self._database = _database(folder, memory_max)

    def connect(self, cut: Cut = NOW) -> duckdb.DuckDBPyConnection:
        """A connection that sees the facts before the cut, up to the newest event there is now.

        ``getvariable('log_position')`` is the position that it reflects.

        Raises:
            UnreadableEvent: the log holds an event that this code does not know.
        """
        with self._lock:
            position = self._refresh()
            connection = self._database.cursor()
        for name, value in (
            ("log_position", position),
            ("cut_at", cut.at or ALWAYS),
            ("cut_knew", cut.knew or ALWAYS),
        ):
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        return connection

    def close(self) -> None:
        """Lets go of the memory. Connections that were given out end with it."""
        self._database.close()
        self._maker.close()

    def _refresh(self) -> int:
        """Brings segments and tail up to the head of the log, which is returned."""
        with psycopg.connect(self._dsn, autocommit=True) as log:
            log.execute("SET TIME ZONE 'UTC'")
            head = _head(log)
            if head == self._position and self._stamp == self._folder.stamp():
                return head
            manifest = self._sealed(log, head)
            sealed = manifest.segments[-1].last if manifest.segments else 0
            self._load(log, max(sealed, self._loaded), head)
        self._show(manifest, sealed)
        self._position = head
        return head

    def _sealed(self, log: psycopg.Connection[Any], head: int) -> Manifest:
        """The list of segments after all that is due has been sealed."""
        if head < self._size:
            return Manifest(log="")
        known = _first_event(log)
        manifest = self._folder.manifest(known)
        kept = self._usable(manifest)
        if (len(kept) + 1) * self._size <= head:
            with self._folder.locked():
                manifest = self._folder.manifest(known)
                kept = self._usable(manifest)
                while (len(kept) + 1) * self._size <= head:
                    kept.append(self._next(log, manifest, len(kept)))
                self._folder.write(Manifest(known, tuple(kept)))
        return Manifest(known, tuple(kept))

    def _usable(self, manifest: Manifest) -> list[Segment]:
        """The segments from the start of the log up to the first that has to be made anew."""
        kept: list[Segment] = []
        for segment in manifest.segments:
            if not self._fits(segment, len(kept)):
                break
            kept.append(segment)
        return kept

    def _fits(self, segment: Segment, before: int) -> bool:
        """Whether it follows that many segments, is undamaged and has the fields of today."""
        if (segment.first, segment.last) != (before * self._size + 1, (before + 1) * self._size):
            return False
        if any(n not in CATALOGUE or digest(CATALOGUE[n]) != d for n, d in segment.kinds.items()):
            return False
        return segment in self._manifest.segments or self._folder.whole(segment)

    def _next(self, log: psycopg.Connection[Any], manifest: Manifest, before: int) -> Segment:
        """The segment after that many: a listed one that fits, or a new one."""
        for segment in manifest.segments:
            if self._fits(segment, before):
                return segment
        first, last = before * self._size + 1, (before + 1) * self._size
        draft = self._folder.draft(first)
        rows, kinds = self._export(log, first - 1, last, draft)
        return self._folder.adopt(draft, first, last, rows, kinds)

    def _load(self, log: psycopg.Connection[Any], after: int, upto: int) -> None:
        """Adds a run of the log to the tail in memory."""
        if after >= upto:
            return
        draft = self._folder.draft(after + 1)
        try:
            self._export(log, after, upto, draft)
            self._database.execute(
                f"INSERT INTO {TAIL} BY NAME SELECT * FROM read_parquet({literal(str(draft))})"
            )
        finally:
            draft.unlink(missing_ok=True)
        self._loaded = upto

    def _export(
        self, log: psycopg.Connection[Any], after: int, upto: int, file: Path
    ) -> tuple[int, dict[str, str]]:
        """Writes a run of the log as Parquet. Returns the rows, and the kinds of events in it."""
        topics = _topics(log, after, upto)
        with tempfile.TemporaryDirectory() as private:
            spool = Path(private) / "events.csv"
            _copy(log, after, upto, spool)
            written = self._maker.execute(
                f"COPY (SELECT {decoded(topics)} FROM {_csv(spool)} ORDER BY position) "
                f"TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)"
            ).fetchone()
        kinds = {k.name: digest(k) for k in CATALOGUE.values() if k.topic in topics}
        return (written[0] if written else 0), kinds

    def _show(self, manifest: Manifest, sealed: int) -> None:
        """Lets new connections see the segments, and what of the tail is not in them."""
        segments = manifest.segments
        if manifest != self._manifest:
            with _transaction(self._database) as database:
                for statement in views([(self._folder.path(s), s.kinds) for s in segments]):
                    database.execute(statement)
                database.execute(f"DELETE FROM {TAIL} WHERE position <= ?", [sealed])
            self._manifest = manifest
        self._stamp = self._folder.stamp()


def _database(folder: Path, memory_max: str) -> duckdb.DuckDBPyConnection:
    """The locked database in memory, still without an event in it."""
    database = duckdb.connect(":memory:", config={"memory_limit": memory_max})
    for statement in (
        "SET GLOBAL TimeZone = 'UTC'",
        "CREATE SCHEMA log",
        tail_table(),
        *views([]),
        "SET GLOBAL parquet_metadata_cache = true",  # segments never change
        "SET temp_directory = ''",
        f"SET allowed_directories = [{literal(str(folder.resolve()))}]",
        "SET enable_external_access = false",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET python_enable_replacements = false",
        "SET GLOBAL errors_as_json = true",
        "SET lock_configuration = true",
    ):
        database.execute(statement)
    return database


@contextmanager
def _transaction(
    database: duckdb.DuckDBPyConnection,
) -> Iterator[duckdb.DuckDBPyConnection]:
    database.begin()
    try:
        yield database
    except BaseException:
        database.rollback()
        raise
    database.commit()


def _head(log: psycopg.Connection[Any]) -> int:
    found = log.execute("SELECT max(notification_id) FROM log.events").fetchone()
    return int(found[0]) if found and found[0] else 0


def _first_event(log: psycopg.Connection[Any]) -> str:
    found = log.execute(
        "SELECT originator_id, recorded_at FROM log.events ORDER BY notification_id LIMIT 1"
    ).fetchone()
    return " ".join(map(str, found or ()))


def _topics(log: psycopg.Connection[Any], after: int, upto: int) -> set[str]:
    """The topics of a run of the log.

    Raises:
        UnreadableEvent: one is unknown, or of a version that is not today's.
    """
    rows = log.execute(
        "SELECT DISTINCT topic FROM log.events"
        " WHERE notification_id > %s AND notification_id <= %s",
        (after, upto),
    )
    topics = {str(row[0]) for row in rows}
    for topic in sorted(topics - {kind.topic for kind in CATALOGUE.values()}):
        raise UnreadableEvent(topic, "the archive reads events of today's versions only")
    return topics


def _copy(log: psycopg.Connection[Any], after: int, upto: int, file: Path) -> None:
    """Writes a run of the log as CSV, in the order of positions."""
    columns = ", ".join(f"{source} AS {name}" for name, source in _COPIED.items())
    query = sql.SQL(
        "COPY (SELECT {} FROM log.events WHERE notification_id > {} AND notification_id <= {}"
        " ORDER BY notification_id) TO STDOUT (FORMAT csv)"
    ).format(sql.SQL(columns), sql.Literal(after), sql.Literal(upto))
    with file.open("wb") as out, log.cursor().copy(query) as rows:
        for block in rows:
            out.write(block)


def _csv(file: Path) -> str:
    """The copied run as a relation."""
    kept = {"topic": "VARCHAR", "state": "VARCHAR", "subjects": "VARCHAR"}
    types = ", ".join(f"'{name}': '{kept.get(name) or ENVELOPE[name]}'" for name in _COPIED)
    return (
        f"read_csv({literal(str(file))}, columns = {{{types}}}, header = false, delim = ',', "
        "quote = '\"', escape = '\"', allow_quoted_nulls = false, auto_detect = false, "
        f"max_line_size = {LINE_BYTES_MAX})"
    )

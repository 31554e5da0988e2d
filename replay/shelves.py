"""Where the rows of a view live: in memory, in a table, or in a table that is being made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from psycopg import sql

from projections.columns import columns_of, json_bytes
from projections.kit import Key, View
from replay import tables
from replay.folding import Changes, Rows
from replay.tables import Connection

ROWS_AS_JSON_MAX = 500
"""Rows that are put in place by one statement; for more of them a COPY is faster, for fewer it
is not: its temporary table alone costs some milliseconds."""
ROWS_IN_MEMORY_MAX = 1_000_000
"""Of one view while it is rebuilt; what is more waits in its new table."""


class MemoryShelf:
    """Rows in memory."""

    def __init__(self) -> None:
        self.rows: Rows = {}

    def load(self, keys: Collection[Key]) -> Rows:
        rows = self.rows
        return {key: rows[key] for key in keys if key in rows}

    def save(self, changes: Changes) -> None:
        for key, row in changes.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row


class TableShelf:
    """Rows in a table, read and written in bulk."""

    def __init__(self, conn: Connection, view: View[Any], table: str) -> None:
        self._conn = conn
        self._view = view
        self._columns = columns_of(view.row)
        self._key = [self._columns.names.index(name) for name in view.key]
        self._table = tables.qualified(table)
        self._incoming = sql.Identifier("pg_temp", f"incoming_{table}")
        self._on_conflict = self._conflict_clause()

    def load(self, keys: Collection[Key]) -> Rows:
        if not keys:
            return {}
        wanted, arrays = tables.unnested(self._view, keys, "wanted")
        query = sql.SQL("SELECT {} FROM {} JOIN {} USING ({})").format(
            self._columns.selected, self._table, wanted, tables.listed(self._view.key)
        )
        found = self._conn.execute(query, arrays).fetchall()
        row, places = self._columns.row, self._key
        return {tuple([values[i] for i in places]): row(values) for values in found}

    def save(self, changes: Changes) -> None:
        gone = [key for key, row in changes.items() if row is None]
        with self._conn.transaction():
            if gone:
                self._delete(gone)
            if len(gone) < len(changes):
                self._put([row for row in changes.values() if row is not None])

    def fill(self, rows: Iterable[Any]) -> None:
        """Copies rows into the table. None of them may be there already."""
        self._copy(self._table, rows)

    def _put(self, rows: Sequence[Any]) -> None:
        if len(rows) <= ROWS_AS_JSON_MAX and self._columns.fit_json:
            query = sql.SQL(
                "INSERT INTO {0} SELECT * FROM json_populate_recordset(NULL::{0}, %s::json) {1}"
            ).format(self._table, self._on_conflict)
            self._conn.execute(query, (json_bytes(rows).decode(),))
        else:
            self._put_by_copy(rows)

    def _put_by_copy(self, rows: Iterable[Any]) -> None:
        create = "CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS"
        self._conn.execute(sql.SQL(create).format(self._incoming, self._table))
        self._conn.execute(sql.SQL("DELETE FROM {}").format(self._incoming))
        self._copy(self._incoming, rows)
        self._conn.execute(
            sql.SQL("INSERT INTO {} SELECT * FROM {} {}").format(
                self._table, self._incoming, self._on_conflict
            )
        )

    def _copy(self, target: sql.Identifier, rows: Iterable[Any]) -> None:
        values = self._columns.values
        query = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(target)
        with self._conn.cursor() as cursor, cursor.copy(query) as copy:
            copy.set_types(self._columns.types)
            write = copy.write_row
            for row in rows:
                write(values(row))

    def _delete(self, keys: Collection[Key]) -> None:
        gone, arrays = tables.unnested(self._view, keys, "gone")
        key = tables.listed(self._view.key)
        query = sql.SQL("DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {})")
        self._conn.execute(query.format(self._table, key, key, gone), arrays)

    def _conflict_clause(self) -> sql.Composed:
        rest = [name for name in self._columns.names if name not in self._view.key]
        sets = sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in rest
        )
        then = sql.SQL("DO UPDATE SET {}").format(sets) if rest else sql.SQL("DO NOTHING")
        return sql.SQL("ON CONFLICT ({}) {}").format(tables.listed(self._view.key), then)


class ShadowShelf:
    """Rows of a new generation: in memory as long as they fit, then in its own table.

    The table is made in the transaction of the caller: without its commit there never was one.
    """

    def __init__(
        self, conn: Connection, view: View[Any], table: str, rows_max: int = ROWS_IN_MEMORY_MAX
    ) -> None:
        self._conn, self._view, self._name = conn, view, table
        self._rows_max = rows_max
        self._rows: dict[Key, Any] = {}
        self._table = TableShelf(conn, view, table)
        self._stored = False
        tables.create(conn, view, table)

    def load(self, keys: Collection[Key]) -> Rows:
        rows = self._rows
        found = {key: rows[key] for key in keys if rows.get(key) is not None}
        if self._stored:
            found |= self._table.load([key for key in keys if key not in rows])
        return found

    def save(self, changes: Changes) -> None:
        self._rows.update(changes)
        if len(self._rows) > self._rows_max:
            self._store()

    def finish(self) -> None:
        """Puts all rows into the table and indexes it; from here on it is written through."""
        self._store()
        self._rows_max = 0
        tables.add_indexes(self._conn, self._view, self._name)

    def _store(self) -> None:
        with self._conn.transaction():
            if self._stored:
                self._table.save(self._rows)
            else:
                self._table.fill(row for row in self._rows.values() if row is not None)
                tables.add_key(self._conn, self._view, self._name)
        self._stored = True
        self._rows = {}

"""Whether two tables of a view hold the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from projections.columns import columns_of
from projections.kit import Key, View
from replay import tables
from replay.folding import changes
from replay.shelves import TableShelf
from replay.tables import Connection

DIFFERENCES_NAMED_MAX = 10
"""How many differing rows a comparison names; it counts all of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not the same in two tables, or is in one of them only."""

    key: Key
    changed: dict[str, tuple[Any, Any]]
    """By field: the value in the first table, and in the second. All of the fields of a row
    that one of them lacks."""


def differences(
    conn: Connection, view: View[Any], first: str, second: str
) -> tuple[int, tuple[Difference, ...]]:
    """How many rows differ, and the first of them by key."""
    names = columns_of(view.row).names
    differing = sql.SQL("FROM {} a FULL JOIN {} b USING ({}) WHERE ({}) IS DISTINCT FROM ({})")
    where = differing.format(
        tables.qualified(first),
        tables.qualified(second),
        tables.listed(view.key),
        tables.listed(names, "a"),
        tables.listed(names, "b"),
    )
    counted = conn.execute(sql.SQL("SELECT count(*) {}").format(where)).fetchone()
    count = counted[0] if counted else 0
    if not count:
        return 0, ()
    key = tables.listed(view.key)
    named = sql.SQL("SELECT {} {} ORDER BY {} LIMIT {}").format(
        key, where, key, sql.Literal(DIFFERENCES_NAMED_MAX)
    )
    keys = conn.execute(named).fetchall()
    a, b = (TableShelf(conn, view, table).load(keys) for table in (first, second))
    return count, tuple(Difference(k, changes(a.get(k), b.get(k))) for k in keys)


def digest(conn: Connection, table: str) -> tuple[int, str]:
    """The number of rows, and a SHA-256 over them that does not depend on their order."""
    hashed = sql.SQL(
        """SELECT count(*), encode(sha256(coalesce(string_agg(hash, ''::bytea ORDER BY hash), ''
            ::bytea)), 'hex')
        FROM (SELECT sha256(convert_to(it::text, 'UTF8')) AS hash FROM {} it) AS hashes"""
    ).format(tables.qualified(table))
    rows, said = conn.execute(hashed).fetchone() or (0, "")
    return rows, said

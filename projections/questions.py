"""Asking views for rows: typed, paged by key, and bounded."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import psycopg
from psycopg import sql

from projections.columns import JSON, SCHEMA, Column, Columns, as_json, columns_of
from projections.kit import VIEWS, View

LIMIT_MAX = 10_000
"""The most rows that one question answers with."""
HELD_MAX = 10_000
"""The most values of which a list is asked whether it holds any."""
COUNT_MAX = 10_000
"""How far rows are counted unless asked otherwise."""

Connection = psycopg.Connection[Any]
Where = Mapping[str, Any]
"""What a row must be like, by field: equal to a value; None for a field without one; one of a
list, tuple or set; or starting as a ``Prefix`` says. In a field that is itself a list, a value
asks for the rows whose list holds it, and several ones for those whose list holds any of them."""
Wheres = Where | Sequence[Where]
"""Of several, a row must be as one of them says."""

_TERM = re.compile(r"\s*(\w+)(?:\s+(asc|desc))?\s*", re.IGNORECASE)
_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class BadQuestion(ValueError):
    """A view, a field, an order or a limit that there is not."""


class ViewNotReady(Exception):
    """The view has no table yet, or one of an older version whose rows lack a field."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """Texts that start with this one; upper and lower case differ."""

    text: str


@dataclass(frozen=True, slots=True)
class _Term:
    """One field that rows are ordered by."""

    column: Column
    descends: bool


def get(conn: Connection, view_name: str, *key: Any) -> Any | None:
    """The row of that key, or None.

    Raises:
        BadQuestion: there is no such view, or its key has other fields.
        ViewNotReady: the program is ahead of the tables.
    """
    view = _view(view_name)
    if len(key) != len(view.key):
        raise BadQuestion(f"the key of {view_name} is {', '.join(view.key)}")
    rows = select(conn, view_name, dict(zip(view.key, key, strict=True)), limit=1)
    return rows[0] if rows else None


def select(
    conn: Connection,
    view_name: str,
    where: Wheres | None = None,
    order: str | None = None,
    after: Sequence[Any] | None = None,
    limit: int = 50,
) -> list[Any]:
    """Rows that are as ``where`` says, in an order.

    ``order`` reads as in SQL: ``"changed_at DESC, name"``; fields without a value come last.
    The fields of the key are added where it does not name them, so that the order is total.
    ``after`` are a row's values of all those fields: the page begins behind that row.

    Raises:
        BadQuestion: there is no such view, field or order; the limit is above ``LIMIT_MAX``.
        ViewNotReady: the program is ahead of the tables.
    """
    view = _view(view_name)
    columns = columns_of(view.row)
    if not 0 <= limit <= LIMIT_MAX:
        raise BadQuestion(f"a limit lies between 0 and {LIMIT_MAX}, not at {limit}")
    terms = _terms(view, columns, order)
    conditions, values = _wheres(columns, where)
    if after is not None:
        condition, more = _behind(terms, after)
        conditions.append(condition)
        values += more
    query = sql.SQL("SELECT {} FROM {}{} ORDER BY {} LIMIT {}").format(
        columns.selected,
        sql.Identifier(SCHEMA, view.name),
        _joined(conditions),
        sql.SQL(", ").join(_ordered(term) for term in terms),
        sql.Literal(limit),
    )
    return [columns.row(values) for values in _ask(conn, view, query, values)]


def count(
    conn: Connection, view_name: str, where: Wheres | None = None, ceiling: int = COUNT_MAX
) -> int:
    """How many rows are as ``where`` says; ``ceiling`` if there are that many or more.

    Raises: as ``select``.
    """
    view = _view(view_name)
    conditions, values = _wheres(columns_of(view.row), where)
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {}{} LIMIT {}) AS counted").format(
        sql.Identifier(SCHEMA, view.name), _joined(conditions), sql.Literal(ceiling)
    )
    return int(_ask(conn, view, query, values)[0][0])


def position(conn: Connection, *view_names: str) -> int:
    """The position of the log up to which all of the views are folded.

    Asked before rows are read, it is never ahead of them. Not to be asked with them in a
    transaction of one snapshot (REPEATABLE READ), which would see the table that a rebuild puts in
    place meanwhile, but none of its rows.

    Raises:
        ViewNotReady: one of them has no table yet.
    """
    query = sql.SQL("SELECT min(position), count(*) FROM {} WHERE view = ANY(%s)")
    found = conn.execute(
        query.format(sql.Identifier(SCHEMA, "registry")), (list(view_names),)
    ).fetchone()
    if found is None or found[1] != len(set(view_names)):
        raise ViewNotReady(f"not all of {', '.join(view_names)} have been made")
    return int(found[0])


def _view(name: str) -> View[Any]:
    if name not in VIEWS:
        raise BadQuestion(f"there is no view {name!r}")
    return VIEWS[name]


def _column(columns: Columns, field: str) -> Column:
    if field not in columns.by_name:
        raise BadQuestion(f"there is no field {field!r}; there are {', '.join(columns.names)}")
    return columns.by_name[field]


def _ask(
    conn: Connection, view: View[Any], query: sql.Composed, values: list[Any]
) -> list[tuple[Any, ...]]:
    try:
        with conn.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
            return cursor.execute(query, values).fetchall()
    except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as missing:
        raise ViewNotReady(f"the view {view.name!r} is being made: {missing}") from missing


def _wheres(columns: Columns, where: Wheres | None) -> tuple[list[sql.Composable], list[Any]]:
    if where is None or isinstance(where, Mapping):
        return _conditions(columns, where or {})
    ways: list[sql.Composable] = []
    values: list[Any] = []
    for one in where:
        conditions, more = _conditions(columns, one)
        ways.append(sql.SQL(" AND ").join(conditions or [sql.SQL("true")]))
        values += more
    return [sql.SQL("({})").format(sql.SQL(" OR ").join(ways or [sql.SQL("false")]))], values


def _conditions(columns: Columns, where: Where) -> tuple[list[sql.Composable], list[Any]]:
    conditions: list[sql.Composable] = []
    values: list[Any] = []
    for field, value in where.items():
        condition, more = _condition(_column(columns, field), value)
        conditions.append(condition)
        values += more
    return conditions, values


def _condition(column: Column, value: Any) -> tuple[sql.Composable, list[Any]]:
    name = sql.Identifier(column.name)
    if value is None:
        return sql.SQL("{} IS NULL").format(name), []
    if isinstance(value, Prefix):
        return sql.SQL("{} LIKE %s").format(name), [f"{value.text.translate(_ESCAPED)}%"]
    if isinstance(value, (list, tuple, set, frozenset)):
        return _one_of(column, value)
    if column.is_list:
        return sql.SQL("{} @> %s").format(name), [as_json([value])]
    if column.type == JSON:
        raise BadQuestion(f"the field {column.name!r} cannot be compared")
    return sql.SQL("{} = %s::{}").format(name, sql.SQL(column.type)), [value]


def _one_of(column: Column, values: Collection[Any]) -> tuple[sql.Composable, list[Any]]:
    name = sql.Identifier(column.name)
    known = [value for value in values if value is not None]
    if column.type == JSON:
        condition = sql.SQL("{} ?| %s::text[]").format(name)
        known = _held(column, known)
    else:
        condition = sql.SQL("{} = ANY(%s::{}[])").format(name, sql.SQL(column.type))
    if len(known) < len(values):
        condition = sql.SQL("({} OR {} IS NULL)").format(condition, name)
    return condition, [known]


def _held(column: Column, values: Collection[Any]) -> list[str]:
    """Values as a list holds them. The index that serves the question knows texts alone."""
    if not column.is_list or get_args(column.hint)[0] not in (UUID, str):
        raise BadQuestion(f"the field {column.name!r} cannot be compared with several values")
    if len(values) > HELD_MAX:
        raise BadQuestion(f"a list is asked for at most {HELD_MAX} values")
    return [str(value) for value in values]


def _joined(conditions: Sequence[sql.Composable]) -> sql.Composable:
    if not conditions:
        return sql.SQL("")
    return sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions))


def _terms(view: View[Any], columns: Columns, order: str | None) -> list[_Term]:
    terms = {}
    for part in order.split(",") if order else []:
        read = _TERM.fullmatch(part)
        if read is None:
            raise BadQuestion(f"{part.strip()!r} is no order; write a field, and DESC if it is so")
        column = _column(columns, read[1])
        if column.type == JSON:
            raise BadQuestion(f"rows have no order by {column.name!r}")
        terms[column.name] = _Term(column, (read[2] or "").casefold() == "desc")
    for name in view.key:
        terms.setdefault(name, _Term(columns.by_name[name], descends=False))
    return list(terms.values())


def _ordered(term: _Term) -> sql.Composable:
    # Said only where it matters: an index serves the order that it was made in.
    last = " NULLS LAST" if term.column.nullable and term.descends else ""
    return sql.SQL("{}{}{}").format(
        sql.Identifier(term.column.name),
        sql.SQL(" DESC" if term.descends else ""),
        sql.SQL(last),
    )


def _behind(terms: Sequence[_Term], after: Sequence[Any]) -> tuple[sql.Composable, list[Any]]:
    """Rows that come later: equal in the first fields, and behind in the next one."""
    if len(after) != len(terms):
        names = ", ".join(term.column.name for term in terms)
        raise BadQuestion(f"a page goes on after the values of {names}")
    ways: list[sql.Composable] = []
    values: list[Any] = []
    equal: list[sql.Composable] = []
    equals: list[Any] = []
    for term, value in zip(terms, after, strict=True):
        if value is not None:
            ways.append(sql.SQL(" AND ").join([*equal, _later(term)]))
            values += [*equals, value]
        condition, more = _condition(term.column, value)
        equal.append(condition)
        equals += more
    either = sql.SQL("({})").format(sql.SQL(" OR ").join(ways))
    return _within(terms[0], after[0], either, values)


def _later(term: _Term) -> sql.Composable:
    name, kind = sql.Identifier(term.column.name), sql.SQL(term.column.type)
    sign = sql.SQL("<" if term.descends else ">")
    later = sql.SQL("{} {} %s::{}").format(name, sign, kind)
    return sql.SQL("({} OR {} IS NULL)").format(later, name) if term.column.nullable else later


def _within(
    first: _Term, value: Any, either: sql.Composable, values: list[Any]
) -> tuple[sql.Composable, list[Any]]:
    """Adds a bound on the first field, which lets an index skip the pages before."""
    if first.column.nullable:
        return either, values
    bound = sql.SQL("{} {} %s::{}").format(
        sql.Identifier(first.column.name),
        sql.SQL("<=" if first.descends else ">="),
        sql.SQL(first.column.type),
    )
    return sql.SQL("{} AND {}").format(bound, either), [value, *values]

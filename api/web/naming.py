"""Names in the place of ids."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.web.story import Named


def names_of(conn: Connection[Any], ids: Collection[UUID]) -> dict[UUID, Named]:
    """The records of those ids that have a name."""
    if not ids:
        return {}
    found = conn.execute("SELECT id, noun, label FROM views.names WHERE id = ANY(%s)", [list(ids)])
    return {record: Named(noun, label) for record, noun, label in found}

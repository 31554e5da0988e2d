"""From the words in addresses and on the command line to the view that shows such a record."""

from __future__ import annotations

from typing import Any

import projections as _projections  # noqa: F401  # fills the register of views
from projections.kit import VIEWS, View

VIEW_OF = {
    "account": "accounts",
    "case": "cases",
    "contact": "contacts",
    "interaction": "interactions",
    "lead": "leads",
    "member": "members",
    "note": "notes",
    "opportunity": "opportunities",
    "order": "orders",
    "pipeline": "pipelines",
    "product": "products",
    "task": "tasks",
}
"""Each kind of record, and the view with a row for each."""


def view_of(noun: str) -> View[Any] | None:
    """The view of a noun; None where there is no such noun."""
    name = VIEW_OF.get(noun)
    return VIEWS[name] if name else None

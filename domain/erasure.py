"""What the erasure of a person leaves in the log. Nothing in it is personal."""

from __future__ import annotations

import msgspec

from domain.kernel import Event

# --- What the events of contacts and leads have in common; no facts by themselves.


class ErasureDetails(Event):
    """That a person was forgotten: their keys are destroyed with this fact."""

    request: str
    """What the request is filed under."""
    ground: str
    """The legal ground: “GDPR Art. 17(1)(b)”."""
    decided_by: str
    fingerprints: tuple[str, ...] = ()
    """SHA-256 of each key that was destroyed, in hexadecimal."""
    facts: int = 0
    """How many facts concern the person; what was personal in them is gone."""


class Reached(msgspec.Struct, frozen=True):
    """A place that held something of the person."""

    store: str
    count: int
    """How many rows, keys or entries of it were destroyed or made anew."""


class CertificateDetails(Event):
    """That nothing readable is left where the program keeps things."""

    request: str
    stores: tuple[Reached, ...] = ()
    kept: tuple[str, ...] = ()
    """What remains, and why."""


class PersonIsErased(msgspec.Struct, frozen=True):
    """What a record's state keeps of an erasure."""

    request: str
    certified: bool = False


ERASURES = ("contact.erased", "lead.erased")
"""The events with which a person's keys are destroyed."""

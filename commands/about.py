"""What notes and tasks are about: any record, and the customers whom that record concerns."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from commands.desk import Desk, NoSuchRecord
from domain.kernel import AGGREGATES, Refused, records, some


class NoSuchNoun(Refused):
    """There are no records of the kind “{noun}”. There are: {nouns}."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """The first contact, account and lead of a record."""

    contact: UUID | None = None
    account: UUID | None = None
    lead: UUID | None = None


def concerned(desk: Desk, noun: str | None, about: UUID) -> Concerned:
    """Whom a record concerns.

    Raises:
        NoSuchNoun: there are no records of that kind.
        NoSuchRecord: there is no such record.
    """
    aggregate = records().get(noun or "")
    if aggregate is None:
        raise NoSuchNoun(field="noun", noun=noun or "–", nouns=", ".join(sorted(records())))
    state = desk.state(aggregate, about)
    if state == aggregate.blank:
        raise NoSuchRecord(field="about", noun=noun)
    itself = about if aggregate.is_subject else None
    ids = some(itself, *aggregate.subjects(state))
    return Concerned(*(_first(desk, kind, ids) for kind in ("contact", "account", "lead")))


def _first(desk: Desk, noun: str, ids: tuple[UUID, ...]) -> UUID | None:
    """The first of the ids that is a record of that kind."""
    kind = AGGREGATES[noun]
    return next((i for i in ids if desk.state(kind, i) != kind.blank), None)

"""A member: one of the staff, who owns accounts, opportunities, cases and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from domain.details import differs, learned, news
from domain.kernel import Aggregate, Event, Refused, event

# --- Events: stored as written; change them only by adding a version.


class MemberDetails(Event):
    """What the events of a member have in common; no fact by itself."""

    name: str | None = None
    email: str | None = None
    title: str | None = None
    team: str | None = None
    office: str | None = None
    manager: UUID | None = None
    external_id: str | None = None


@event("member.added", summary="added {name}")
class MemberAdded(MemberDetails):
    name: str


@event("member.details_changed", summary="changed details")
class MemberDetailsChanged(MemberDetails):
    cleared: tuple[str, ...] = ()


MemberEvent = MemberAdded | MemberDetailsChanged

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Member:
    known: MemberAdded | None = None
    """As if added today."""


def evolve(it: Member, fact: MemberEvent) -> Member:
    match fact:
        case MemberAdded():
            return Member(fact)
        case MemberDetailsChanged():
            return Member(learned(it.known, fact))
        case _:
            assert_never(fact)


MEMBER = Aggregate("member", Member(), evolve)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchMember(Refused):
    """There is no such member."""


class MemberExists(Refused):
    """This member is there already, under the name “{name}”."""


class OwnManager(Refused):
    """Nobody is their own manager."""


def add(it: Member, member: UUID, fact: MemberAdded) -> list[MemberEvent]:
    """``member`` is the id of the one who is added."""
    if it.known is not None:
        if differs(it.known, fact):
            raise MemberExists(name=it.known.name)
        return []
    _check_manager(member, fact)
    return [fact]


def change_details(it: Member, member: UUID, fact: MemberDetailsChanged) -> list[MemberEvent]:
    """``member`` is the id of the one who is changed."""
    if it.known is None:
        raise NoSuchMember
    _check_manager(member, fact)
    return news(it.known, fact)


def _check_manager(member: UUID, fact: MemberDetails) -> None:
    if fact.manager == member:
        raise OwnManager(field="manager")

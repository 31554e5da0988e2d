"""What one may ask of a member of the staff."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from commands.desk import Desk
from commands.facts import fact_of
from commands.fields import Cleared, Email, Name
from commands.registry import Command, handles
from domain import members
from domain.kernel import new_id
from domain.members import MEMBER, MemberAdded, MemberDetailsChanged


class MemberDetails(Command):
    """What can be said of a member."""

    name: Name | None = None
    email: Email | None = None
    title: Name | None = None
    team: Name | None = None
    office: Name | None = None
    manager: UUID | None = Field(default=None, description="The member whom they report to.")
    external_id: Name | None = None


class AddMember(MemberDetails, name="add-member"):
    """Adds a member to the staff."""

    member: UUID = Field(default_factory=new_id)
    name: Name


class ChangeMember(MemberDetails, name="change-member"):
    """Changes the details of a member."""

    member: UUID
    cleared: Cleared = ()


@handles(AddMember)
def add_member(ask: AddMember, desk: Desk) -> None:
    fact = fact_of(MemberAdded, ask)
    desk.change(MEMBER, ask.member, lambda it: members.add(it, ask.member, fact))


@handles(ChangeMember)
def change_member(ask: ChangeMember, desk: Desk) -> None:
    fact = fact_of(MemberDetailsChanged, ask)
    desk.change(MEMBER, ask.member, lambda it: members.change_details(it, ask.member, fact))

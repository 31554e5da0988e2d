"""Members of the staff."""

from __future__ import annotations

from uuid import UUID

from commands.members import AddMember, ChangeMember
from domain.details import CannotBeEmptied
from domain.members import (
    MemberAdded,
    MemberDetailsChanged,
    MemberExists,
    NoSuchMember,
    OwnManager,
)
from tests.given import STREAM, given, on

BOSS = UUID(int=101)
ADA = MemberAdded(name="Ada", team="East", manager=BOSS)


def test_a_member_is_added_once() -> None:
    ask = AddMember(member=STREAM, name="Ada", team="East", manager=BOSS)
    boss = on(BOSS, MemberAdded(name="Grace"))
    given(boss).when(ask).then(ADA)
    given(boss, ADA).when(ask).then()


def test_a_member_concerns_no_customer() -> None:
    given().when(AddMember(member=STREAM, name="Ada")).then(MemberAdded(name="Ada")).concerning()


def test_another_member_cannot_take_the_place_of_one() -> None:
    given(ADA).when(AddMember(member=STREAM, name="Bob")).refused(MemberExists, name="Ada")


def test_nobody_manages_themselves() -> None:
    given().when(AddMember(member=STREAM, name="Ada", manager=STREAM)).refused(OwnManager)
    given(ADA).when(ChangeMember(member=STREAM, manager=STREAM)).refused(OwnManager)


def test_a_change_says_only_what_is_new() -> None:
    given(ADA).when(
        ChangeMember(member=STREAM, name="Ada", team="West", cleared=("manager", "office"))
    ).then(MemberDetailsChanged(team="West", cleared=("manager",)))
    given(ADA).when(ChangeMember(member=STREAM, team="East")).then()


def test_a_member_keeps_a_name() -> None:
    given(ADA).when(ChangeMember(member=STREAM, cleared=("name",))).refused(CannotBeEmptied)


def test_a_member_who_is_not_there_does_not_change() -> None:
    given().when(ChangeMember(member=STREAM, team="West")).refused(NoSuchMember)


def test_who_saw_an_old_version_hears_of_it() -> None:
    west = MemberDetailsChanged(team="West")
    given(ADA, west).when(ChangeMember(member=STREAM, team="North"), seen=1).conflicts()

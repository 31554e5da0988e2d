"""The rows of the staff."""

from __future__ import annotations

from uuid import UUID

from domain.members import MemberAdded, MemberDetailsChanged
from tests.given import row

BOSS = UUID(int=101)


def test_a_row_says_what_is_known_now() -> None:
    it = row(
        "members",
        MemberAdded(name="Ada", team="East", manager=BOSS),
        MemberDetailsChanged(team="West", office="Oslo", cleared=("manager",)),
    )
    assert (it.name, it.team, it.office, it.manager) == ("Ada", "West", "Oslo", None)
    assert it.version == 2


def test_without_a_beginning_there_is_no_row() -> None:
    assert row("members", MemberDetailsChanged(name="Ada")) is None

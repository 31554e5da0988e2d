from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from domain.interactions import (
    InteractionCorrected,
    InteractionReattributed,
    InteractionRecorded,
    InteractionWithdrawn,
)
from tests.given import START, row

CONTACT, ACCOUNT = UUID(int=7), UUID(int=8)
CALL = InteractionRecorded(
    channel="call", direction="in", contact=CONTACT, subject="Prices", duration_seconds=240
)


def test_an_interaction_is_a_row() -> None:
    shown = row("interactions", CALL)
    assert (shown.channel, shown.direction, shown.contact) == ("call", "in", CONTACT)
    assert (shown.subject, shown.duration_seconds, shown.recorded_by) == ("Prices", 240, "past")
    assert shown.occurred_at == START


def test_a_correction_shows_and_the_time_stays() -> None:
    fixed = InteractionCorrected(subject="Terms", cleared=("duration_seconds", "no_such"))
    shown = row("interactions", CALL, fixed)
    assert (shown.subject, shown.duration_seconds) == ("Terms", None)
    assert (shown.version, shown.occurred_at) == (2, START)
    assert shown.changed_at == START + timedelta(days=1)


def test_it_shows_with_whom_it_belongs_to() -> None:
    shown = row(
        "interactions", CALL, InteractionReattributed(account=ACCOUNT, cleared=("contact",))
    )
    assert (shown.contact, shown.account) == (None, ACCOUNT)


def test_what_never_took_place_is_gone() -> None:
    assert row("interactions", CALL, InteractionWithdrawn(withdraw_reason="twice")) is None

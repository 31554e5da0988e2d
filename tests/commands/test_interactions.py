from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from commands.interactions import (
    CorrectInteraction,
    ReattributeInteraction,
    RecordInteraction,
    WithdrawInteraction,
)
from domain.details import SaidAndEmptied
from domain.interactions import (
    InteractionCorrected,
    InteractionExists,
    InteractionIsWithdrawn,
    InteractionReattributed,
    InteractionRecorded,
    InteractionWithdrawn,
    NobodyConcerned,
    NoSuchInteraction,
)
from tests.given import STREAM, given

CONTACT, ANOTHER, ACCOUNT, DEAL = (UUID(int=n) for n in range(7, 11))
CALL = InteractionRecorded(
    channel="call",
    direction="in",
    kind="held",
    contact=CONTACT,
    subject="Prices",
    duration_seconds=240,
)
WITHDRAWN = InteractionWithdrawn(withdraw_reason="entered twice")


def _record(**but: object) -> RecordInteraction:
    asked: dict[str, Any] = {
        "interaction": STREAM,
        "channel": "call",
        "direction": "in",
        "kind": "held",
        "contact": CONTACT,
        "subject": "Prices",
        "duration_seconds": 240,
    }
    return RecordInteraction.model_validate(asked | but)


def _correct(**said: Any) -> CorrectInteraction:
    return CorrectInteraction(interaction=STREAM, **said)


def _reattribute(**said: Any) -> ReattributeInteraction:
    return ReattributeInteraction(interaction=STREAM, **said)


def _withdraw() -> WithdrawInteraction:
    return WithdrawInteraction(interaction=STREAM, withdraw_reason="entered twice")


def test_an_interaction_is_recorded() -> None:
    given().when(_record()).then(CALL).concerning(CONTACT)


@pytest.mark.parametrize("whom", ["contact", "account", "lead"])
def test_it_concerns_a_contact_an_account_or_a_lead(whom: str) -> None:
    visit: dict[str, Any] = {"channel": "web", "direction": "in", whom: ANOTHER}
    ask = RecordInteraction(interaction=STREAM, **visit)
    given().when(ask).then(InteractionRecorded(**visit)).concerning(ANOTHER)


def test_it_concerns_somebody() -> None:
    given().when(_record(contact=None)).refused(NobodyConcerned)


def test_recording_twice_is_recording_once() -> None:
    given(CALL).when(_record()).then()


def test_another_interaction_is_not_recorded_over_it() -> None:
    given(CALL).when(_record(subject="Weather")).refused(InteractionExists)


@pytest.mark.parametrize(
    "wrong", [{"channel": "fax"}, {"direction": "up"}, {"duration_seconds": -1}, {"url": ""}]
)
def test_input_has_its_limits(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _record(**wrong)


def test_what_was_wrong_is_corrected() -> None:
    given(CALL).when(_correct(subject="Terms", cleared=("duration_seconds",))).then(
        InteractionCorrected(subject="Terms", cleared=("duration_seconds",))
    )


def test_a_correction_says_only_what_is_new() -> None:
    given(CALL).when(_correct(channel="call", kind="missed", cleared=("url",))).then(
        InteractionCorrected(kind="missed")
    )


def test_a_correction_of_nothing_is_nothing_to_do() -> None:
    given(CALL).when(_correct(subject="Prices", cleared=("body",))).then()


def test_a_field_is_not_filled_and_emptied_at_once() -> None:
    given(CALL).when(_correct(subject="Terms", cleared=("subject",))).refused(SaidAndEmptied)


def test_a_channel_cannot_be_emptied() -> None:
    with pytest.raises(ValidationError):
        _correct(cleared=("channel",))


def test_it_goes_to_the_customer_it_belongs_to_and_shows_with_both() -> None:
    given(CALL).when(_reattribute(account=ACCOUNT, cleared=("contact",))).then(
        InteractionReattributed(account=ACCOUNT, cleared=("contact",))
    ).concerning(CONTACT, ACCOUNT)


def test_it_goes_to_another_contact_and_an_opportunity() -> None:
    given(CALL).when(_reattribute(contact=ANOTHER, opportunity=DEAL)).then(
        InteractionReattributed(contact=ANOTHER, opportunity=DEAL)
    ).concerning(CONTACT, ANOTHER)


def test_it_stays_where_it_belongs() -> None:
    given(CALL).when(_reattribute(contact=CONTACT)).then()


def test_it_cannot_belong_to_nobody() -> None:
    given(CALL).when(_reattribute(cleared=("contact",))).refused(NobodyConcerned)


def test_what_never_took_place_is_withdrawn() -> None:
    given(CALL).when(_withdraw()).then(WITHDRAWN).concerning(CONTACT)


def test_withdrawing_twice_is_withdrawing_once() -> None:
    given(CALL, WITHDRAWN).when(_withdraw()).then()


@pytest.mark.parametrize("ask", [_correct(kind="missed"), _reattribute(contact=ANOTHER)])
def test_a_withdrawn_one_stays_as_it_is(ask: Any) -> None:
    given(CALL, WITHDRAWN).when(ask).refused(InteractionIsWithdrawn)


@pytest.mark.parametrize(
    "ask", [_correct(kind="missed"), _reattribute(contact=ANOTHER), _withdraw()]
)
def test_one_that_is_not_there_is_left_alone(ask: Any) -> None:
    given().when(ask).refused(NoSuchInteraction)


def test_a_correction_on_an_old_version_conflicts() -> None:
    given(CALL, InteractionCorrected(kind="missed")).when(
        _correct(subject="Terms"), seen=1
    ).conflicts()

"""The bus: one effect per command, decided anew when others were faster, batches all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from commands.bus import Bus
from commands.desk import Actor, Ask, Decided, Outcome, States
from commands.opportunities import ChangeStage, OpenOpportunity, WinOpportunity
from commands.pipelines import DefinePipeline, StageInput
from domain.kernel import Refused, new_id
from domain.opportunities import NoSuchStage, OpportunityIsClosed
from event_store.memory import MemoryEventStore
from event_store.store import Appended, Checkpoint, Conflict, Entry, KeyReused

ADA = Actor("ada")
PIPELINE = new_id()


@pytest.fixture
def bus() -> Bus:
    bus = Bus(MemoryEventStore())
    stages = [StageInput(name=name) for name in ("New", "Offer", "Talks")]
    bus.dispatch(Ask(DefinePipeline(pipeline=PIPELINE, name="Sales", stages=stages), ADA))
    return bus


def opened(bus: Bus) -> UUID:
    opportunity = new_id()
    bus.dispatch(Ask(open_it(opportunity), ADA))
    return opportunity


def open_it(opportunity: UUID) -> OpenOpportunity:
    return OpenOpportunity(
        opportunity=opportunity, name="Acme renewal", pipeline=PIPELINE, stage="New"
    )


def names(bus: Bus, stream: UUID) -> list[str]:
    return [it.name for it in bus.store.read(stream)]


def test_an_outcome_says_what_happened_and_where(bus: Bus) -> None:
    opportunity = new_id()
    outcome = bus.dispatch(Ask(open_it(opportunity), ADA))
    assert outcome == Outcome(
        bus.store.head(), opportunity, 1, ("opportunity.opened",), repeated=False
    )


def test_nothing_to_do_stores_nothing_and_says_so(bus: Bus) -> None:
    opportunity = opened(bus)
    head = bus.store.head()
    outcome = bus.dispatch(Ask(ChangeStage(opportunity=opportunity, stage="New"), ADA))
    assert (outcome.events, outcome.version, outcome.position) == ((), 1, head)
    assert bus.store.head() == head


def test_the_envelope_tells_who_why_and_when(bus: Bus) -> None:
    opportunity, batch, cause = opened(bus), new_id(), new_id()
    then = datetime(2020, 1, 2, tzinfo=UTC)
    command = ChangeStage(opportunity=opportunity, stage="Offer", occurred_at=then, reason="call")
    ask = Ask(
        command,
        Actor("bot", on_behalf_of="ada"),
        source="api",
        batch_id=batch,
        causation_id=cause,
    )
    bus.dispatch(ask)
    it = bus.store.read(opportunity)[-1]
    assert (it.actor, it.on_behalf_of, it.reason, it.source) == ("bot", "ada", "call", "api")
    assert (it.occurred_at, it.batch_id, it.causation_id) == (then, batch, cause)
    assert (it.command_id, it.correlation_id) == (ask.command_id, ask.command_id)
    assert it.recorded_at > then


def test_the_future_cannot_be_recorded() -> None:
    with pytest.raises(ValidationError, match="lies in the future"):
        ChangeStage(
            opportunity=new_id(), stage="Offer", occurred_at=datetime.now(UTC) + timedelta(days=1)
        )


def test_the_same_key_is_one_effect(bus: Bus) -> None:
    opportunity, key = opened(bus), new_id()
    move = ChangeStage(opportunity=opportunity, stage="Offer")
    first = bus.dispatch(Ask(move, ADA, command_id=key, remember=True))
    bus.dispatch(Ask(ChangeStage(opportunity=opportunity, stage="Talks"), ADA))
    again = bus.dispatch(Ask(move, ADA, command_id=key, remember=True))
    assert not first.repeated
    assert again.repeated
    assert (again.position, again.version, again.events) == (
        first.position,
        first.version,
        first.events,
    )
    assert len(names(bus, opportunity)) == 3


def test_a_key_remembers_that_there_was_nothing_to_do(bus: Bus) -> None:
    opportunity, key = opened(bus), new_id()
    stay = ChangeStage(opportunity=opportunity, stage="New")
    bus.dispatch(Ask(stay, ADA, command_id=key, remember=True))
    bus.dispatch(Ask(ChangeStage(opportunity=opportunity, stage="Offer"), ADA))
    again = bus.dispatch(Ask(stay, ADA, command_id=key, remember=True))
    assert again.repeated
    assert again.events == ()
    assert len(names(bus, opportunity)) == 2


def test_a_key_with_another_question_is_a_mistake(bus: Bus) -> None:
    opportunity, key = opened(bus), new_id()
    offer = ChangeStage(opportunity=opportunity, stage="Offer")
    talks = ChangeStage(opportunity=opportunity, stage="Talks")
    bus.dispatch(Ask(offer, ADA, command_id=key, remember=True))
    with pytest.raises(KeyReused):
        bus.dispatch(Ask(talks, ADA, command_id=key, remember=True))


def test_an_id_made_up_here_does_not_make_it_another_question(bus: Bus) -> None:
    key = new_id()

    def ask() -> Ask:
        command = OpenOpportunity(name="Acme", pipeline=PIPELINE, stage="New")
        return Ask(command, ADA, command_id=key, remember=True)

    first, again = bus.dispatch(ask()), bus.dispatch(ask())
    assert again.repeated
    assert again.stream == first.stream


def test_who_names_a_version_hears_of_a_conflict(bus: Bus) -> None:
    opportunity = opened(bus)
    bus.dispatch(Ask(ChangeStage(opportunity=opportunity, stage="Offer"), ADA, expected=1))
    with pytest.raises(Conflict) as late:
        bus.dispatch(Ask(ChangeStage(opportunity=opportunity, stage="Talks"), ADA, expected=1))
    assert (late.value.expected, late.value.actual) == (1, 2)


class Interrupted(MemoryEventStore):
    """A log in which somebody else is faster, as often as told."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.other: Entry | None = None

    def _intrude(self) -> None:
        if self.times and self.other is not None:
            self.times -= 1
            expected = self.other.writes[0].expected
            raise Conflict(self.other.writes[0].stream, expected, expected + 1)

    def append(self, entry: Entry) -> Appended:
        self._intrude()
        self.other = entry
        return super().append(entry)

    def append_all(
        self, entries: Sequence[Entry], checkpoint: Checkpoint | None = None
    ) -> list[Appended]:
        self._intrude()
        return super().append_all(entries, checkpoint)


def test_everyone_else_decides_again(bus: Bus) -> None:
    store = Interrupted(times=3)
    bus = Bus(store)
    stages = [StageInput(name="New"), StageInput(name="Offer")]
    bus.dispatch(Ask(DefinePipeline(pipeline=PIPELINE, name="Sales", stages=stages), ADA))
    opportunity = opened(bus)
    assert names(bus, opportunity) == ["opportunity.opened"]
    assert store.times == 0
    store.times = 2
    moved = bus.dispatch_all([Ask(ChangeStage(opportunity=opportunity, stage="Offer"), ADA)])
    assert isinstance(moved[0], Outcome)


def test_patience_ends(bus: Bus) -> None:
    store = Interrupted(times=0)
    bus = Bus(store)
    stages = [StageInput(name="New"), StageInput(name="Offer")]
    bus.dispatch(Ask(DefinePipeline(pipeline=PIPELINE, name="Sales", stages=stages), ADA))
    store.times = 100
    with pytest.raises(Conflict):
        opened(bus)
    with pytest.raises(Conflict):
        bus.dispatch_all([Ask(open_it(new_id()), ADA)])


def test_in_a_batch_a_refused_one_fails_alone_and_later_ones_see_earlier_ones(bus: Bus) -> None:
    opportunity = new_id()
    commands: list[Any] = [
        open_it(opportunity),
        ChangeStage(opportunity=opportunity, stage="Nowhere"),
        WinOpportunity(opportunity=opportunity),
        ChangeStage(opportunity=opportunity, stage="Offer"),
    ]
    answers = bus.dispatch_all([Ask(command, ADA) for command in commands])
    assert isinstance(answers[0], Outcome)
    assert isinstance(answers[1], NoSuchStage)
    assert isinstance(answers[2], Outcome)
    assert answers[2].version == 2
    assert isinstance(answers[3], OpportunityIsClosed)
    assert names(bus, opportunity) == ["opportunity.opened", "opportunity.won"]


def test_a_batch_stores_its_checkpoint_with_its_events(bus: Bus) -> None:
    bus.dispatch_all([Ask(open_it(new_id()), ADA)], checkpoint=Checkpoint("job", {"done": 1}))
    assert bus.store.checkpoint("job") == {"done": 1}


def test_kept_states_that_have_become_old_are_found_out(bus: Bus) -> None:
    opportunity, states = opened(bus), States(bus.store)
    move = ChangeStage(opportunity=opportunity, stage="Offer")
    bus.preview([Ask(ChangeStage(opportunity=opportunity, stage="New"), ADA)], states)
    bus.dispatch(Ask(WinOpportunity(opportunity=opportunity), ADA))
    (answer,) = bus.dispatch_all([Ask(move, ADA)], states)
    assert isinstance(answer, OpportunityIsClosed)


def test_a_preview_stores_nothing(bus: Bus) -> None:
    opportunity, head = new_id(), bus.store.head()
    seen = bus.preview(
        [
            Ask(open_it(opportunity), ADA),
            Ask(ChangeStage(opportunity=opportunity, stage="Offer"), ADA),
            Ask(ChangeStage(opportunity=opportunity, stage="Nowhere"), ADA),
        ]
    )
    assert [type(answer) for answer in seen[:2]] == [Decided, Decided]
    assert isinstance(seen[2], Refused)
    assert bus.store.head() == head
    assert bus.store.read(opportunity) == []

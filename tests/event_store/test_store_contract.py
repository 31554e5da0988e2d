"""What every event store promises, sentence by sentence, for the one in PostgreSQL and its
double in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

from domain.kernel import Cut, new_id
from domain.opportunities import OpportunityRenamed
from event_store.store import (
    PAGE_MAX,
    Appended,
    Checkpoint,
    Claim,
    ClaimTaken,
    Conflict,
    Entry,
    Envelope,
    EventStore,
    KeyReused,
    Unavailable,
)
from tests.event_store.entries import entry, opened, renamed

LONG_AGO = datetime(2019, 3, 31, 12, tzinfo=UTC)


@pytest.fixture(params=["store", "memory_store"], ids=["postgres", "memory"])
def log(request: pytest.FixtureRequest) -> EventStore:
    store: EventStore = request.getfixturevalue(request.param)
    return store


def test_a_new_log_is_empty(log: EventStore) -> None:
    nobody = new_id()
    assert log.head() == 0
    assert log.page(0) == []
    assert log.read(nobody) == []
    assert log.read_many([nobody]) == {}
    assert log.read_many([]) == {}
    assert log.by_subject(nobody) == []
    assert log.owners([("email", "ada@example.com")]) == {}
    assert log.outcome(nobody, b"any") is None
    assert log.checkpoint("import") is None


class TestAppend:
    def test_stores_the_events_with_their_envelope(self, log: EventStore) -> None:
        stream, subject, batch, cause = new_id(), new_id(), new_id(), new_id()
        who = Envelope(
            actor="member-1",
            command_id=new_id(),
            correlation_id=new_id(),
            occurred_at=LONG_AGO,
            on_behalf_of="member-2",
            reason="asked to – by phone ☎",
            source="import deals.csv:7",
            causation_id=cause,
            batch_id=batch,
        )
        write = renamed(stream, 0, "A", "B", subjects=(subject, stream))
        log.append(Entry(who, (write,)))
        first, second = log.read(stream)
        assert first.event == OpportunityRenamed(name="A")
        assert (first.position, first.stream, first.version) == (1, stream, 1)
        assert (second.position, second.stream, second.version) == (2, stream, 2)
        assert first.occurred_at == LONG_AGO
        assert first.recorded_at > LONG_AGO
        assert (first.actor, first.on_behalf_of) == ("member-1", "member-2")
        assert (first.reason, first.source) == (who.reason, who.source)
        assert (first.command_id, first.correlation_id) == (who.command_id, who.correlation_id)
        assert (first.causation_id, first.batch_id) == (cause, batch)
        assert first.subjects == (subject, stream)

    def test_what_says_no_time_is_true_when_it_is_recorded(self, log: EventStore) -> None:
        stream = new_id()
        before = datetime.now(UTC)
        log.append(entry(opened(stream)))
        (it,) = log.read(stream)
        assert it.occurred_at == it.recorded_at
        assert before - timedelta(seconds=1) < it.recorded_at
        assert it.recorded_at.utcoffset() == timedelta(0)

    def test_says_where_the_entry_came_to_rest(self, log: EventStore) -> None:
        a, b = new_id(), new_id()
        log.append(entry(opened(b)))
        done = log.append(entry(renamed(b, 1, "B"), opened(a), renamed(a, 1, "C", "D")))
        assert done == Appended(
            5,
            {b: 2, a: 3},
            ("opportunity.renamed", "opportunity.opened") + 2 * ("opportunity.renamed",),
        )
        assert list(done.versions) == [b, a]
        assert log.head() == 5

    def test_with_nothing_to_store_answers_with_the_head(self, log: EventStore) -> None:
        log.append(entry(opened(new_id())))
        assert log.append(entry()) == Appended(1)
        assert log.append(entry(renamed(new_id(), 0))) == Appended(1)
        assert log.head() == 1

    def test_refuses_a_stream_at_another_version(self, log: EventStore) -> None:
        stream, other = new_id(), new_id()
        log.append(entry(opened(stream)))
        with pytest.raises(Conflict) as no:
            log.append(entry(opened(other), renamed(stream, 0, "late")))
        assert (no.value.stream, no.value.expected, no.value.actual) == (stream, 0, 1)
        with pytest.raises(Conflict) as no:
            log.append(entry(renamed(stream, 2, "early")))
        assert (no.value.expected, no.value.actual) == (2, 1)
        assert log.read(other) == []
        assert log.head() == 1

    def test_compares_versions_of_streams_that_it_does_not_write(self, log: EventStore) -> None:
        stream = new_id()
        log.append(entry(opened(stream)))
        with pytest.raises(Conflict):
            log.append(entry(opened(new_id()), renamed(stream, 0)))

    def test_positions_stay_dense_after_a_refusal(self, log: EventStore) -> None:
        stream = new_id()
        log.append(entry(opened(stream)))
        with pytest.raises(Conflict):
            log.append(entry(opened(stream)))
        assert log.append(entry(renamed(stream, 1, "next"))).position == 2

    def test_time_of_recording_never_goes_back(self, log: EventStore) -> None:
        for _ in range(20):
            log.append(entry(opened(new_id()), occurred_at=LONG_AGO))
        times = [it.recorded_at for it in log.page(0)]
        assert times == sorted(times)


class TestClaims:
    def test_a_claimed_value_has_one_owner(self, log: EventStore) -> None:
        ada, eve = new_id(), new_id()
        mail = Claim("email", "ada@example.com", ada)
        log.append(entry(opened(ada), claims=(mail,)))
        with pytest.raises(ClaimTaken) as no:
            log.append(entry(opened(eve), claims=(Claim("email", mail.value, eve),)))
        assert (no.value.kind, no.value.owner) == ("email", ada)
        assert log.read(eve) == []
        asked = [("email", mail.value), ("phone", mail.value), ("email", "else")]
        assert log.owners(asked) == {("email", mail.value): ada}

    def test_its_owner_may_claim_it_again(self, log: EventStore) -> None:
        mail = Claim("email", "ada@example.com", new_id())
        log.append(entry(claims=(mail,)))
        log.append(entry(claims=(mail,)))
        assert log.owners([("email", mail.value)]) == {("email", mail.value): mail.owner}

    def test_a_released_value_is_free(self, log: EventStore) -> None:
        mail = Claim("email", "ada@example.com", new_id())
        other = Claim("email", mail.value, new_id())
        log.append(entry(claims=(mail,)))
        log.append(entry(releases=(mail,)))
        assert log.owners([("email", mail.value)]) == {}
        log.append(entry(claims=(other,)))
        assert log.owners([("email", mail.value)]) == {("email", mail.value): other.owner}

    def test_only_its_owner_can_release_it(self, log: EventStore) -> None:
        mail = Claim("email", "ada@example.com", new_id())
        log.append(entry(claims=(mail,)))
        log.append(entry(releases=(Claim("email", mail.value, new_id()),)))
        assert log.owners([("email", mail.value)]) == {("email", mail.value): mail.owner}

    def test_a_value_can_change_hands_in_one_entry(self, log: EventStore) -> None:
        mail = Claim("email", "ada@example.com", new_id())
        other = Claim("email", mail.value, new_id())
        log.append(entry(claims=(mail,)))
        log.append(entry(claims=(other,), releases=(mail,)))
        assert log.owners([("email", mail.value)]) == {("email", mail.value): other.owner}

    def test_a_refused_entry_moves_no_claim(self, log: EventStore) -> None:
        stream = new_id()
        mail = Claim("email", "ada@example.com", stream)
        log.append(entry(opened(stream), claims=(mail,)))
        with pytest.raises(Conflict):
            log.append(entry(opened(stream), releases=(mail,)))
        with pytest.raises(ClaimTaken):
            log.append(
                entry(claims=(Claim("x", "1", new_id()), Claim("email", mail.value, new_id())))
            )
        assert log.owners([("email", mail.value), ("x", "1")]) == {("email", mail.value): stream}


class TestCommandIds:
    def test_a_remembered_command_answers_with_its_first_outcome(self, log: EventStore) -> None:
        first, second, command = new_id(), new_id(), new_id()
        it = entry(opened(second), opened(first), command_id=command, fingerprint=b"print")
        done = log.append(it)
        log.append(entry(renamed(first, 1, "later")))
        again = log.append(it)
        assert again == Appended(done.position, done.versions, done.events, repeated=True)
        assert list(again.versions) == [second, first]
        assert log.outcome(command, b"print") == again
        assert log.head() == 3

    def test_a_command_that_did_nothing_is_remembered_too(self, log: EventStore) -> None:
        command = new_id()
        log.append(entry(command_id=command, fingerprint=b"print"))
        assert log.outcome(command, b"print") == Appended(0, repeated=True)

    def test_one_id_for_two_commands_is_refused(self, log: EventStore) -> None:
        command = new_id()
        log.append(entry(opened(new_id()), command_id=command, fingerprint=b"print"))
        with pytest.raises(KeyReused):
            log.append(entry(opened(new_id()), command_id=command, fingerprint=b"other"))
        with pytest.raises(KeyReused):
            log.outcome(command, b"other")
        assert log.head() == 1

    def test_a_refused_command_is_not_remembered(self, log: EventStore) -> None:
        stream, command = new_id(), new_id()
        log.append(entry(opened(stream)))
        with pytest.raises(Conflict):
            log.append(entry(opened(stream), command_id=command, fingerprint=b"print"))
        assert log.outcome(command, b"print") is None

    def test_without_a_fingerprint_nothing_is_remembered(self, log: EventStore) -> None:
        command = new_id()
        log.append(entry(opened(new_id()), command_id=command))
        log.append(entry(opened(new_id()), command_id=command))
        assert log.outcome(command, b"any") is None
        assert log.head() == 2


class TestAppendAll:
    def test_later_entries_build_on_earlier_ones(self, log: EventStore) -> None:
        stream = new_id()
        entries = [entry(opened(stream)), *(entry(renamed(stream, n, f"{n}")) for n in (1, 2))]
        done = log.append_all(entries)
        assert [it.position for it in done] == [1, 2, 3]
        assert [it.versions for it in done] == [{stream: 1}, {stream: 2}, {stream: 3}]
        assert [it.version for it in log.read(stream)] == [1, 2, 3]

    def test_is_all_or_nothing(self, log: EventStore) -> None:
        a, b = new_id(), new_id()
        mail = Claim("email", "ada@example.com", a)
        entries = [
            entry(opened(a), claims=(mail,), command_id=a, fingerprint=b"print"),
            entry(renamed(b, 7, "no")),
        ]
        with pytest.raises(Conflict):
            log.append_all(entries, Checkpoint("import", {"row": 2}))
        assert log.head() == 0
        assert log.owners([("email", mail.value)]) == {}
        assert log.outcome(a, b"print") is None
        assert log.checkpoint("import") is None
        assert log.append_all(entries[:1])[0].position == 1

    def test_stores_a_checkpoint_with_the_events(self, log: EventStore) -> None:
        log.append_all([entry(opened(new_id()))], Checkpoint("import", {"row": 1}))
        assert log.checkpoint("import") == {"row": 1}
        log.append_all([], Checkpoint("import", {"row": 2, "bad": ["ä"]}))
        assert log.checkpoint("import") == {"row": 2, "bad": ["ä"]}
        assert log.checkpoint("other") is None

    def test_of_nothing_does_nothing(self, log: EventStore) -> None:
        assert log.append_all([]) == []

    def test_one_command_id_has_one_effect_in_it(self, log: EventStore) -> None:
        command = new_id()
        it = entry(opened(new_id()), command_id=command, fingerprint=b"print")
        first, second = log.append_all([it, it])
        assert (first.repeated, second.repeated) == (False, True)
        assert log.head() == 1

    def test_claims_of_earlier_entries_count(self, log: EventStore) -> None:
        def claim(owner: UUID) -> Entry:
            return entry(claims=(Claim("email", "ada@example.com", owner),))

        with pytest.raises(ClaimTaken):
            log.append_all([claim(new_id()), claim(new_id())])


class TestReading:
    def test_a_stream_up_to_a_version(self, log: EventStore) -> None:
        stream = new_id()
        log.append(entry(renamed(stream, 0, "a", "b", "c")))
        assert [it.version for it in log.read(stream, upto=2)] == [1, 2]
        assert log.read(stream, upto=0) == []
        assert log.read(stream, upto=99) == log.read(stream)

    def test_several_streams_at_once(self, log: EventStore) -> None:
        a, b, missing = new_id(), new_id(), new_id()
        log.append(entry(opened(a), opened(b)))
        log.append(entry(renamed(a, 1, "next")))
        found = log.read_many([a, b, missing, a])
        assert found == {a: log.read(a), b: log.read(b)}

    def test_by_subject_oldest_first(self, log: EventStore) -> None:
        ada, eve = new_id(), new_id()
        log.append(entry(opened(new_id(), ada)))
        log.append(entry(opened(new_id(), eve)))
        log.append(entry(opened(new_id(), eve, ada, ada)))
        assert [it.position for it in log.by_subject(ada)] == [1, 3]
        assert [it.position for it in log.by_subject(eve)] == [2, 3]

    def test_by_subject_the_newest_below_a_position(self, log: EventStore) -> None:
        ada = new_id()
        for _ in range(5):
            log.append(entry(opened(new_id(), ada)))
        assert [it.position for it in log.by_subject(ada, limit=2)] == [5, 4]
        assert [it.position for it in log.by_subject(ada, before=4, limit=2)] == [3, 2]
        assert [it.position for it in log.by_subject(ada, before=4)] == [1, 2, 3]
        assert log.by_subject(ada, limit=0) == []

    def test_by_subject_before_a_cut_on_both_clocks(self, log: EventStore) -> None:
        ada = new_id()
        log.append(entry(opened(new_id(), ada), occurred_at=LONG_AGO))
        log.append(entry(opened(new_id(), ada)))
        log.append(entry(opened(new_id(), ada), occurred_at=LONG_AGO + timedelta(days=1)))
        (first, _, third) = log.by_subject(ada)

        def positions(cut: Cut, limit: int | None = None) -> list[int]:
            return [it.position for it in log.by_subject(ada, cut=cut, limit=limit)]

        assert positions(Cut(at=LONG_AGO)) == [1]
        assert positions(Cut(at=LONG_AGO + timedelta(days=1))) == [1, 3]
        assert positions(Cut(at=LONG_AGO + timedelta(days=1)), limit=9) == [3, 1]
        assert positions(Cut(knew=third.recorded_at)) == [1, 2, 3]
        assert positions(Cut(knew=first.recorded_at - timedelta(microseconds=1))) == []
        assert positions(Cut(at=LONG_AGO - timedelta(microseconds=1))) == []

    def test_by_several_subjects_each_event_once(self, log: EventStore) -> None:
        ada, eve, acme = new_id(), new_id(), new_id()
        log.append(entry(opened(new_id(), acme), occurred_at=LONG_AGO))
        log.append(entry(opened(new_id(), eve, ada)))
        log.append(entry(opened(new_id(), new_id())))
        log.append(entry(opened(new_id(), ada, acme), occurred_at=LONG_AGO))
        log.append(entry(opened(new_id(), eve)))

        def positions(*subjects: UUID, **asked: Any) -> list[int]:
            return [it.position for it in log.by_subject(*subjects, **asked)]

        assert positions(ada, acme) == positions(acme, ada, ada) == [1, 2, 4]
        assert positions(ada, eve, new_id()) == [2, 4, 5]
        assert positions(ada, eve, acme, limit=3) == [5, 4, 2]
        assert positions(ada, acme, before=4, limit=9) == [2, 1]
        assert positions(ada, eve, acme, cut=Cut(at=LONG_AGO)) == [1, 4]
        assert positions() == []

    def test_a_page_after_a_position(self, log: EventStore) -> None:
        for _ in range(5):
            log.append(entry(opened(new_id())))
        assert [it.position for it in log.page(0)] == [1, 2, 3, 4, 5]
        assert [it.position for it in log.page(2, 2)] == [3, 4]
        assert [it.position for it in log.page(1, upto=3)] == [2, 3]
        assert log.page(5) == []
        assert log.page(3, upto=2) == []
        assert log.page(0, 0) == []

    def test_a_page_of_some_names(self, log: EventStore) -> None:
        stream, other = new_id(), new_id()
        log.append(entry(opened(stream), renamed(stream, 1, "x"), opened(other)))
        log.append(entry(renamed(stream, 2, "y"), renamed(other, 1, "z")))

        def positions(*names: str, limit: int = PAGE_MAX, upto: int | None = None) -> list[int]:
            return [it.position for it in log.page(1, limit, names=names, upto=upto)]

        assert positions("opportunity.renamed") == [2, 4, 5]
        assert positions("opportunity.renamed", limit=2) == [2, 4]
        assert positions("opportunity.renamed", "opportunity.opened", upto=3) == [2, 3]
        assert positions("opportunity.renamed", "opportunity.renamed") == [2, 4, 5]
        assert positions("opportunity.rename") == []
        assert positions() == []

    def test_a_page_is_bounded(self, log: EventStore) -> None:
        names = [f"n{n}" for n in range(PAGE_MAX + 1)]
        log.append_all([entry(renamed(new_id(), 0, *names))])
        assert len(log.page(0, 2 * PAGE_MAX)) == PAGE_MAX
        assert len(log.page(0, 2 * PAGE_MAX, names=["opportunity.renamed"])) == PAGE_MAX


class TestWaiting:
    def test_answers_at_once_where_there_is_an_event(self, log: EventStore) -> None:
        log.append(entry(opened(new_id())))
        assert log.wait(0, timeout=60) == 1

    def test_gives_up_with_the_head(self, log: EventStore) -> None:
        log.append(entry(opened(new_id())))
        assert log.wait(1, timeout=0.05) == 1
        assert log.wait(7, timeout=0) == 1

    def test_wakes_up_for_each_append(self, log: EventStore) -> None:
        """Each event is appended only when the one before was seen: one lost wake-up stops it."""
        heads: list[int] = []

        def follow() -> None:
            while len(heads) < 20:
                heads.append(log.wait(heads[-1] if heads else 0, timeout=60))

        follower = Thread(target=follow)
        follower.start()
        for position in range(1, 21):
            log.append(entry(opened(new_id())))
            while len(heads) < position:
                log.wait(position, timeout=0.001)
        follower.join()
        assert heads == list(range(1, 21))


def test_a_closed_log_takes_nothing_more(log: EventStore) -> None:
    log.close()
    with pytest.raises(Unavailable):
        log.append(entry(opened(new_id())))
    log.close()

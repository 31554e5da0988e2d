"""What cannot be carried out parks its key, and goes on in order once somebody has decided."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from api.inbound import Inbound
from api.messages import carry_out
from commands.bus import Bus
from commands.desk import Actor, Ask
from commands.registry import COMMANDS
from domain.kernel import new_id
from event_store.dead_letters import CannotOpen, DeadLetters, Letter, Message, NoSuchLetter, Why
from event_store.postgres import PostgresEventStore
from event_store.store import TooBusy
from tests.api.letters import account, call, calls, message, opened
from tests.conftest import CLAIM_KEY

SHOP = Actor("the shop")


@pytest.fixture
def letters(database: str) -> Iterator[DeadLetters]:
    letters = DeadLetters(database, secret=CLAIM_KEY)
    yield letters
    letters.close()


@pytest.fixture
def bus(store: PostgresEventStore) -> Bus:
    return Bus(store)


@pytest.fixture
def inbound(bus: Bus, letters: DeadLetters) -> Inbound:
    return Inbound(bus, letters, "localhost:1", "test", SHOP)


def states(letters: DeadLetters) -> list[tuple[str, str | None]]:
    return [(it.state, it.why.code if it.why else None) for it in letters.listed()]


def open_account(bus: Bus, number: object) -> None:
    command = COMMANDS["open-account"].model.model_validate({"account": number, "name": "Acme"})
    bus.dispatch(Ask(command, SHOP))


def retried(letters: DeadLetters, bus: Bus, number: int) -> list[tuple[Letter, Why | None]]:
    return list(letters.retry(number, lambda it: carry_out(bus, it, SHOP)))


def test_a_refused_message_parks_its_key_and_no_other(
    inbound: Inbound, letters: DeadLetters, store: PostgresEventStore
) -> None:
    late = new_id()
    inbound.carry_out(
        [
            message(call(late, "first"), b"a"),
            message(account(), b"b"),
            message(account(), b"a"),
            message(b"nonsense", b"b"),
            message(account(), b"b"),
            message(call(late, "alone")),
            message(account()),
        ]
    )
    inbound.carry_out([message(account(), b"a"), message(account(), b"c")])
    assert len(opened(store)) == 3
    assert states(letters) == [
        ("refused", "NoSuchRecord"),
        ("waiting", None),
        ("refused", "Unreadable"),
        ("waiting", None),
        ("refused", "NoSuchRecord"),
        ("waiting", None),
    ]
    standing = letters.standing()
    assert (standing.refused, standing.waiting) == (3, 3)


def test_a_retry_after_the_cause_is_gone_keeps_the_order(
    inbound: Inbound, letters: DeadLetters, bus: Bus
) -> None:
    late = new_id()
    inbound.carry_out([message(call(late, str(n)), b"a") for n in range(3)])
    inbound.carry_out([message(call(late, str(n)), b"a") for n in range(3, 5)])
    last = letters.listed()[-1]
    assert [why is None for _, why in retried(letters, bus, last.id)] == [False]
    assert letters.listed()[0].tries == 2

    open_account(bus, late)
    assert [why for _, why in retried(letters, bus, last.id)] == [None] * 5
    assert calls(bus.store) == ["0", "1", "2", "3", "4"]
    assert letters.listed() == []


def test_what_comes_after_a_release_is_carried_out_at_once(
    inbound: Inbound, letters: DeadLetters, bus: Bus
) -> None:
    late = new_id()
    inbound.carry_out([message(call(late, "1"), b"a")])
    open_account(bus, late)
    retried(letters, bus, letters.listed()[0].id)
    inbound.carry_out([message(call(late, "2"), b"a")])
    assert calls(bus.store) == ["1", "2"]


def test_a_message_that_joins_while_its_key_is_released_is_not_left_behind(
    inbound: Inbound, letters: DeadLetters, bus: Bus
) -> None:
    late, joining = new_id(), threading.Event()
    inbound.carry_out([message(call(late, "1"), b"a")])
    open_account(bus, late)

    def slowly(it: Message) -> Why | None:
        joining.set()
        other.join(0.5)  # it waits for the lock that is held here
        return carry_out(bus, it, SHOP)

    def join() -> None:
        joining.wait()
        inbound.carry_out([message(call(late, "2"), b"a")])

    other = threading.Thread(target=join)
    other.start()
    list(letters.retry(letters.listed()[0].id, slowly))
    other.join()
    for letter in letters.listed():
        retried(letters, bus, letter.id)
    assert calls(bus.store) == ["1", "2"]
    assert letters.listed() == []


def test_to_drop_one_forgets_what_it_said_and_lets_the_next_go_on(
    inbound: Inbound, letters: DeadLetters, bus: Bus
) -> None:
    inbound.carry_out([message(b"zoe@example.com", b"zoe"), message(account(), b"zoe")])
    first, second = letters.listed()
    assert letters.drop(first.id, "grace", "not a command") == second.id
    assert [why for _, why in retried(letters, bus, second.id)] == [None]
    assert letters.listed() == []
    (dropped,) = letters.listed(dropped=True)
    assert (dropped.dropped_by, dropped.drop_reason) == ("grace", "not a command")
    assert (dropped.message.key, dropped.message.value) == (None, None)
    assert "zoe" not in repr(dropped)
    with pytest.raises(NoSuchLetter):
        letters.drop(first.id, "grace", "again")
    with pytest.raises(NoSuchLetter):
        retried(letters, bus, first.id)


def test_messages_that_come_again_have_one_effect_and_one_letter(
    inbound: Inbound, letters: DeadLetters, store: PostgresEventStore
) -> None:
    batch = [message(account(), b"a"), message(b"{", b"a"), message(account(), b"a")]
    batch += [message(account("One"), ce_id="1")] * 2
    for _ in range(2):
        inbound.carry_out(batch)
    assert len(opened(store)) == 2
    assert len(letters.listed()) == 2


def test_one_that_spoils_the_transaction_does_not_hold_up_the_others(
    inbound: Inbound, letters: DeadLetters, store: PostgresEventStore
) -> None:
    reused = [message(account(), b"k", ce_id="1") for _ in range(2)]
    inbound.carry_out([reused[0]])
    inbound.carry_out([message(account(), b"a"), reused[1], message(account(), b"k")])
    inbound.carry_out([message(account(reason="with a \0 in it"), b"z"), message(account(), b"b")])
    assert len(opened(store)) == 3
    codes = [code for _, code in states(letters)]
    assert codes == ["KeyReused", None, "Failed"]


def test_a_failure_that_passes_is_nobody_s_fault(
    letters: DeadLetters, store: PostgresEventStore
) -> None:
    class Busy(Bus):
        def dispatch_all(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
            raise TooBusy

    with pytest.raises(TooBusy):
        Inbound(Busy(store), letters, "localhost:1", "test", SHOP).carry_out([message(account())])
    assert letters.listed() == []


def test_what_a_message_says_can_be_read_with_the_secret_alone(
    inbound: Inbound, letters: DeadLetters, database: str
) -> None:
    inbound.carry_out([message(b"zoe@example.com", b"zoe", ce_id="from zoe")])
    (letter,) = letters.listed()
    assert letter.message.value == b"zoe@example.com"
    assert (letter.message.key, letter.message.headers) == (b"zoe", (("ce_id", b"from zoe"),))
    with psycopg.connect(database) as conn:
        (row,) = conn.execute("SELECT dead_letters::text, content FROM log.dead_letters").fetchall()
        assert b"zoe" not in row[0].encode() + row[1]
    other = DeadLetters(database, secret=b"another secret")
    with pytest.raises(CannotOpen):
        other.listed()
    other.close()

"""A message as a command: what it asks, under which id, and what is said of it if it is wrong."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from api.messages import MESSAGE_BYTES_MAX, asked, carry_out, message_id
from commands.bus import Bus
from commands.desk import Actor
from domain.kernel import new_id
from event_store.dead_letters import Message, Why
from event_store.memory import MemoryEventStore
from tests.api.letters import account, call, message

SHOP = Actor("the shop")


def refusal(said: object, **headers: str) -> Why:
    why = carry_out(Bus(MemoryEventStore()), message(said, None, **headers), SHOP)
    assert why is not None
    return why


def test_a_message_is_an_ask_with_its_place_and_its_cause() -> None:
    correlation, causation = uuid4(), uuid4()
    it = message(account(), ce_correlationid=str(correlation), ce_causationid=str(causation))
    ask = asked(it, SHOP)
    assert ask.command.__command__ == "open-account"
    assert (ask.actor, ask.remember) == (SHOP, True)
    assert ask.source == f"kafka {it.topic}/{it.partition}/{it.offset}"
    assert (ask.correlation_id, ask.causation_id) == (correlation, causation)


def test_the_id_follows_from_the_sender_else_from_the_place() -> None:
    one, two = message({}), message({})
    assert message_id(one) == message_id(one) != message_id(two)
    named, again = (message({}, ce_id="7", ce_source="shop") for _ in range(2))
    assert message_id(named) == message_id(again)
    assert message_id(named) != message_id(message({}, ce_id="7", ce_source="mail"))


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        (b"{", "Unreadable", None),
        (b"", "Unreadable", None),
        (b"[1]", "Unreadable", None),
        (b"\xff", "Unreadable", None),
        (b'{"a":' * 100_000, "Unreadable", None),
        (b" " * (MESSAGE_BYTES_MAX + 1), "TooLarge", None),
        ({}, "Invalid", "command"),
        ({"command": "open-sesame"}, "Invalid", "command"),
        ({"command": ["open-account"]}, "Invalid", "command"),
        (account(employees="many"), "Invalid", "employees"),
        (account(colour="red"), "Invalid", "colour"),
        ({"command": "open-account"}, "Invalid", "name"),
        (call(new_id(), "Hello"), "NoSuchRecord", "account"),
    ],
)
def test_what_is_wrong_is_named(said: object, code: str, field: str | None) -> None:
    why = refusal(said)
    assert (why.code, why.field) == (code, field)


@pytest.mark.parametrize("header", ["ce_correlationid", "ce_causationid"])
def test_a_wrong_header_is_named(header: str) -> None:
    assert refusal(account(), **{header: "ada@example.com"}) == Why(
        "Invalid", "The header is not a UUID.", header
    )


@pytest.mark.parametrize(
    "said",
    [
        {"command": "ada@example.com"},
        {**account(), "ada@example.com": 1},
        account(owner="ada@example.com"),
        account(revenue_currency="ada@example.com"),
        {"command": "add-contact", "email": "ada at example.com"},
        {"command": "capture-lead", "last_name": "Ada", "occurred_at": "ada@example.com"},
    ],
)
def test_a_reason_repeats_nothing_that_was_sent(said: dict[str, Any]) -> None:
    why = refusal(said)
    assert "ada" not in f"{why.field} {why.reason}".casefold().replace("invalid", "")


def test_a_refusal_repeats_nothing_either() -> None:
    bus, first = Bus(MemoryEventStore()), account("Ada Lovelace & Sons")
    assert carry_out(bus, message(first), SHOP) is None
    why = carry_out(bus, message({**first, "name": "Another"}), SHOP)
    assert why == Why("AccountExists", "This account is open already, under the name “…”.")


def test_an_id_that_comes_again_with_other_content_is_refused() -> None:
    bus = Bus(MemoryEventStore())
    assert carry_out(bus, message(account(), ce_id="1"), SHOP) is None
    why = carry_out(bus, message(account(), ce_id="1"), SHOP)
    assert why is not None
    assert (why.code, why.field) == ("KeyReused", "ce_id")


def test_what_nobody_foresaw_is_named_by_its_kind_alone(memory_store: MemoryEventStore) -> None:
    class Broken(Bus):
        def dispatch(self, ask: object) -> Any:
            raise KeyError("ada@example.com")

    why = carry_out(Broken(memory_store), message(account()), SHOP)
    assert why is not None
    assert why.code == "Failed"
    assert "KeyError" in why.reason
    assert "ada" not in why.reason


def test_a_message_without_a_value_is_unreadable() -> None:
    it = message(account())
    empty = Message(it.topic, it.partition, it.offset, it.sent_at, None, None)
    why = carry_out(Bus(MemoryEventStore()), empty, SHOP)
    assert why is not None
    assert why.code == "Unreadable"

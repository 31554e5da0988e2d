"""Whatever was asked before: the same thing asked again right away changes nothing more."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import NoneType
from typing import Any, get_args
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from commands.accounts import OpenAccount
from commands.bus import Bus
from commands.contacts import AddContact
from commands.desk import Actor, Ask
from commands.leads import CaptureLead
from commands.members import AddMember
from commands.opportunities import OpenOpportunity
from commands.pipelines import DefinePipeline, StageInput
from commands.products import AddProduct
from commands.registry import COMMANDS, Command
from domain.kernel import Refused
from event_store.memory import MemoryEventStore

NOUNS = ("account", "contact", "lead", "member", "opportunity", "pipeline", "product")
ASKABLE = [
    kind.model
    for kind in COMMANDS.values()
    if kind.model.__module__ in {f"commands.{noun.replace('y', 'ie')}s" for noun in NOUNS}
]
HERE = {noun: UUID(int=10 * n) for n, noun in enumerate(NOUNS, start=1)}
IDS = {noun: st.sampled_from([here, UUID(int=here.int + 1)]) for noun, here in HERE.items()}
STAGES = [StageInput(name="New"), StageInput(name="Offer"), StageInput(name="Won", kind="won")]
WORLD: list[Command] = [
    AddMember(member=HERE["member"], name="one"),
    OpenAccount(account=HERE["account"], name="one"),
    AddContact(contact=HERE["contact"], email="eve@acme.example"),
    CaptureLead(lead=HERE["lead"], email="eve@acme.example", company="one"),
    AddProduct(product=HERE["product"], name="one"),
    DefinePipeline(pipeline=HERE["pipeline"], name="one", stages=STAGES),
    OpenOpportunity(
        opportunity=HERE["opportunity"], name="one", pipeline=HERE["pipeline"], stage="New"
    ),
]
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    **IDS,
    "owner": IDS["member"],
    "manager": IDS["member"],
    "parent": IDS["account"],
    "stage": st.sampled_from(["New", "Offer", "Won"]),
    "stages": st.sampled_from([STAGES, STAGES[:2], STAGES[2:]]),
    "currency": st.sampled_from(["EUR", "USD"]),
    "revenue_currency": st.sampled_from(["EUR", "USD"]),
    "email": st.sampled_from(["eve@acme.example", "Eve@acme.example", "sam@bolt.example"]),
    "cleared": st.sets(st.sampled_from(["email", "last_name", "phone", "parent"])).map(tuple),
    "occurred_at": st.none(),
}
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(["one", "two"]),
    int: st.integers(1, 3),
    bool: st.booleans(),
    Decimal: st.sampled_from([Decimal(1), Decimal(2)]),
    date: st.sampled_from([date(2024, 1, 1), date(2024, 1, 2)]),
}


def asked(model: type[Command]) -> st.SearchStrategy[Command]:
    """The command with values from a small world, so that records meet."""
    values = {name: _value(name, field.annotation) for name, field in model.model_fields.items()}
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    needed |= values.keys() & IDS.keys()
    return st.fixed_dictionaries(
        {name: values[name] for name in sorted(needed)},
        optional={name: of for name, of in values.items() if name not in needed},
    ).map(model.model_validate)


def _value(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name in BY_NAME:
        return BY_NAME[name]
    bare = next((part for part in get_args(hint) if part is not NoneType), hint)
    return BY_TYPE[getattr(bare, "__origin__", bare)]


def _dispatch(bus: Bus, command: Command) -> tuple[str, ...]:
    try:
        return bus.dispatch(Ask(command, Actor("ada"))).events
    except Refused:
        return ()


@given(st.lists(st.one_of([asked(model) for model in ASKABLE]), min_size=1, max_size=25))
@settings(max_examples=150, deadline=None)
def test_asking_twice_changes_once(commands_asked: list[Command]) -> None:
    bus = Bus(MemoryEventStore())
    for command in (*WORLD, *commands_asked):
        _dispatch(bus, command)
        assert _dispatch(bus, command) == ()


def test_the_world_is_there_and_all_of_its_commands_are_asked() -> None:
    bus = Bus(MemoryEventStore())
    assert all(_dispatch(bus, command) for command in WORLD)
    assert len(ASKABLE) >= 35

"""A small company with a history, told by commands: what the tests of pages look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from commands.bus import Bus
from commands.desk import Actor, Ask, Outcome
from commands.registry import COMMANDS, Command

NOW = datetime.now(UTC).replace(microsecond=0)
ACTOR = Actor("system:tests")

MARA, JONAS = UUID(int=11), UUID(int=12)
PIPELINE, OTHER_PIPELINE = UUID(int=21), UUID(int=22)
ACME, NORDWIND, EMPTY = UUID(int=31), UUID(int=32), UUID(int=33)
ADA, LEIF = UUID(int=41), UUID(int=42)
RENEWAL, PILOT, ROLLOUT, WON = (UUID(int=n) for n in range(51, 55))
CASE = UUID(int=61)
STAGES = ("Prospecting", "Qualified", "Proposal", "Negotiation")
MANY = 55
"""More opportunities in one stage than a column shows."""


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def story() -> Iterator[Command]:
    """Everything that happened, in its order."""
    yield from _people()
    yield from _deals()
    yield from _talk()
    yield from _service()
    yield from _plans()
    yield from _orders()
    yield from _crowd()


def _say(command: str, days: float, **fields: Any) -> Command:
    return COMMANDS[command].model.model_validate({"occurred_at": ago(days), **fields})


def _people() -> Iterator[Command]:
    yield _say("add-member", 400, member=MARA, name="Mara Lindqvist", title="Account manager")
    yield _say("add-member", 400, member=JONAS, name="Jonas Berg")
    yield _say(
        "open-account",
        390,
        account=ACME,
        name="Acme Holdings",
        industry="Manufacturing",
        kind="customer",
        website="acme.example",
        employees=1240,
        revenue="48000000",
        revenue_currency="EUR",
        street="Hauptstraße 7",
        postal_code="20095",
        city="Hamburg",
        country="Germany",
        owner=MARA,
    )
    yield _say(
        "open-account", 380, account=NORDWIND, name="Nordwind <Logistik>", city="Kiel", owner=JONAS
    )
    yield _say("open-account", 2, account=EMPTY, name="Quiet & Sons")
    yield _say(
        "add-contact",
        385,
        contact=ADA,
        first_name="Ada",
        last_name="Okafor",
        email="ada@acme.example",
        title="Head of purchasing",
        account=ACME,
        owner=MARA,
    )
    yield _say("add-contact", 300, contact=LEIF, first_name="Leif", last_name="Söderberg")
    yield _say("join-account", 280, contact=LEIF, account=ACME, role="advisor")


def _deals() -> Iterator[Command]:
    stages = [{"name": name} for name in STAGES]
    ends = [{"name": "Won", "kind": "won"}, {"name": "Lost", "kind": "lost"}]
    yield _say("define-pipeline", 395, pipeline=PIPELINE, name="New business", stages=stages + ends)
    yield _say("define-pipeline", 395, pipeline=OTHER_PIPELINE, name="Renewals", stages=stages[:2])
    deals = [
        (RENEWAL, "Acme renewal", ACME, "12500", "EUR", 90),
        (PILOT, "Acme pilot", ACME, "900.50", "USD", 60),
        (ROLLOUT, "Nordwind rollout", NORDWIND, None, None, 40),
        (WON, "Acme start", ACME, "38400", "EUR", 350),
    ]
    for deal, name, account, amount, currency, days in deals:
        yield _say(
            "open-opportunity",
            days,
            opportunity=deal,
            name=name,
            pipeline=PIPELINE,
            stage="Prospecting",
            account=account,
            contact=ADA if account == ACME else None,
            owner=MARA,
            amount=amount,
            currency=currency,
        )
    yield _say("change-stage", 30, opportunity=RENEWAL, stage="Qualified")
    yield _say(
        "change-stage", 10, opportunity=RENEWAL, stage="Proposal", reason="They asked for it."
    )
    yield _say("change-stage", 20, opportunity=PILOT, stage="Qualified")
    yield _say("win-opportunity", 300, opportunity=WON, amount="36000", currency="EUR")


def _talk() -> Iterator[Command]:
    yield _say(
        "record-interaction",
        12,
        channel="call",
        direction="out",
        kind="held",
        account=ACME,
        contact=ADA,
        member=MARA,
        subject="Which regions come first",
        body="She wants the north before the south.",
    )
    yield _say(
        "record-interaction",
        5,
        channel="email",
        direction="in",
        kind="replied",
        contact=ADA,
        account=ACME,
        subject="Re: offer",
    )
    yield _say("write-note", 9, about=ACME, noun="account", text="They decide in April.")


def _service() -> Iterator[Command]:
    yield _say(
        "open-case",
        8,
        case=CASE,
        subject="Invoice shows the old address",
        account=ACME,
        contact=ADA,
        priority="high",
    )
    yield _say("hold-case", 6, case=CASE, on="customer", note="asked for the new address")


def _plans() -> Iterator[Command]:
    yield _say(
        "plan-task",
        7,
        subject="Send the offer",
        due=ago(1),
        kind="e-mail",
        about=RENEWAL,
        noun="opportunity",
        assignee=MARA,
    )
    yield _say(
        "plan-task",
        7,
        subject="Call about the north",
        due=ago(-3),
        kind="call",
        about=ACME,
        noun="account",
        assignee=MARA,
    )


def _orders() -> Iterator[Command]:
    for n, (account, days) in enumerate(
        [(ACME, 290), (ACME, 260), (ACME, 200), (NORDWIND, 250), (NORDWIND, 40), (ACME, 15)]
    ):
        yield _say(
            "place-order",
            days,
            number=str(1040 + n),
            account=account,
            currency="EUR",
            lines=[{"description": "Licence", "quantity": 2, "amount": str(1000 + 125 * n)}],
        )


def _crowd() -> Iterator[Command]:
    for n in range(MANY):
        yield _say(
            "open-opportunity",
            100 + n,
            name=f"Crowd {n}",
            pipeline=PIPELINE,
            stage="Prospecting",
            account=EMPTY if n == 0 else None,
            amount="100",
            currency="EUR",
        )


def found(bus: Bus) -> None:
    """Lets everything happen."""
    answers = bus.dispatch_all([Ask(command, ACTOR, source="tests") for command in story()])
    refused = [answer for answer in answers if not isinstance(answer, Outcome)]
    assert refused == []

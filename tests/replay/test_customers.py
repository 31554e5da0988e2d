"""A customer all round: who belongs to them, what names any of these, and how things stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import commands  # noqa: F401  # fills the registry
from commands.bus import Bus
from commands.desk import Actor, Ask
from commands.registry import COMMANDS
from domain.kernel import NOW, Cut, Recorded, Refused
from event_store.memory import MemoryEventStore
from projections.kit import VIEWS
from projections.sums import Sum, Tally
from replay import customers
from replay.customers import Around, Circle
from replay.runner import Runner
from tests.replay.board import forget_views

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
PIPELINE, ACME, NORD = UUID(int=1), UUID(int=11), UUID(int=12)
ADA, BOB, EVE = (UUID(int=n) for n in (21, 22, 23))
LEADS = UUID(int=31), UUID(int=32)
DEALS, CASES, TASKS, TALKS = ([UUID(int=n + i) for i in range(3)] for n in (41, 51, 61, 71))
STAGES = [{"name": "New"}, {"name": "Won", "kind": "won"}, {"name": "Lost", "kind": "lost"}]

Look = Callable[..., Around]


class Company:
    """A log that is filled by commands, and looked at now and as of then."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.bus = Bus(self.store)
        self.do("define-pipeline", 0, pipeline=PIPELINE, name="Sales", stages=STAGES)

    def do(self, command: str, hour: int, **said: Any) -> None:
        fields = {"occurred_at": EPOCH + timedelta(hours=hour), **said}
        self.bus.dispatch(Ask(COMMANDS[command].model.model_validate(fields), Actor("ada")))

    def try_to(self, command: str, hour: int, **said: Any) -> None:
        """Does what the rules allow."""
        try:
            self.do(command, hour, **said)
        except Refused:
            return

    def then(self, noun: str, customer: UUID, cut: Cut = NOW) -> Around:
        found = customers.then(self.store, noun, customer, cut)
        assert found is not None
        return found

    def facts(self, around: Around, cut: Cut = NOW) -> list[str]:
        return [it.name for it in customers.facts(self.store, around.circle, cut)]


@pytest.fixture
def company() -> Company:
    """An account with a contact, of whom alone everything is recorded."""
    it = Company()
    it.do("open-account", 1, account=ACME, name="Acme")
    it.do("open-account", 1, account=NORD, name="Nord")
    it.do("add-contact", 2, contact=ADA, last_name="Ada", account=ACME)
    it.do(
        "record-interaction", 3, interaction=TALKS[0], channel="call", direction="in", contact=ADA
    )
    it.do("place-order", 4, contact=ADA, currency="EUR", lines=[{"amount": "12.50"}])
    it.do("open-case", 5, case=CASES[0], subject="Broken", contact=ADA)
    deal = {"opportunity": DEALS[0], "pipeline": PIPELINE, "stage": "New", "contact": ADA}
    it.do("open-opportunity", 6, **deal, name="Renewal", amount="100", currency="EUR")
    it.do(
        "plan-task", 7, subject="Call", due=EPOCH + timedelta(hours=50), about=ADA, noun="contact"
    )
    return it


def now(dsn: str, noun: str, customer: UUID) -> Around:
    with psycopg.connect(dsn) as conn:
        found = customers.now(conn, noun, customer)
    assert found is not None
    return found


def caught_up(company: Company, dsn: str) -> None:
    forget_views(dsn)
    runner = Runner(company.store, dsn)
    runner.prepare()
    runner.catch_up()
    runner.stop()


def at(hour: int) -> Cut:
    return Cut(at=EPOCH + timedelta(hours=hour))


def counted(around: Around) -> dict[str, int]:
    return {view: len(rows) for view, rows in around.rows.items()}


ALL = {"contacts": 1, "opportunities": 1, "tasks": 1, "cases": 1, "orders": 1}


def test_an_account_has_what_was_recorded_with_its_contacts(
    company: Company, database: str
) -> None:
    caught_up(company, database)
    for it in (company.then("account", ACME), now(database, "account", ACME)):
        assert counted(it) == ALL
        assert it.circle == Circle(ACME, (ADA,))
        assert (it.figures.talks, it.figures.last_talk) == (1, EPOCH + timedelta(hours=3))
        assert it.figures.ordered == Tally(1, (Sum(Decimal("12.50"), "EUR"),))
        assert "interaction.recorded" in company.facts(it)
        assert "task.planned" in company.facts(it)


def test_what_a_contact_does_leaves_the_account_with_them(company: Company, database: str) -> None:
    company.do("leave-account", 20, contact=ADA, account=ACME)
    company.do("join-account", 20, contact=ADA, account=NORD)
    caught_up(company, database)
    for it in (company.then("account", ACME), now(database, "account", ACME)):
        assert counted(it) == {**dict.fromkeys(ALL, 0), "tasks": 1}, "planned for both of them"
        assert it.circle == Circle(ACME)
        assert (it.figures.talks, it.figures.last_talk) == (0, None)
        assert "contact.account_left" in company.facts(it)
        assert "interaction.recorded" not in company.facts(it)
    assert counted(now(database, "account", NORD)) == ALL
    while_there = company.then("account", ACME, at(19))
    assert counted(while_there) == ALL
    assert "interaction.recorded" in company.facts(while_there, at(19))
    assert counted(company.then("account", NORD, at(19)))["orders"] == 0


def test_a_record_of_both_is_there_once(company: Company, database: str) -> None:
    company.do("place-order", 8, account=ACME, contact=ADA, currency="EUR", lines=[{"amount": "1"}])
    caught_up(company, database)
    for it in (company.then("account", ACME), now(database, "account", ACME)):
        assert it.figures.ordered == Tally(2, (Sum(Decimal("13.50"), "EUR"),))
        assert company.facts(it).count("order.placed") == 2


@pytest.mark.parametrize("contact", [EVE, ADA], ids=["a new contact", "one who was there"])
def test_the_history_of_a_lead_goes_on_with_the_contact(
    company: Company, database: str, contact: UUID
) -> None:
    company.do("capture-lead", 1, lead=LEADS[0], last_name="Eve", source="webinar")
    company.do(
        "record-interaction", 2, channel="webinar", direction="in", lead=LEADS[0], subject="Hello"
    )
    company.do("convert-lead", 9, lead=LEADS[0], contact=contact, account=NORD)
    caught_up(company, database)
    for noun, customer in (("contact", contact), ("account", NORD)):
        for it in (company.then(noun, customer), now(database, noun, customer)):
            assert it.circle.leads == (LEADS[0],)
            assert "lead.captured" in company.facts(it)
            assert it.figures.talks == 1 + (contact == ADA)
    assert company.then("account", NORD, at(8)).circle == Circle(NORD)


def test_what_names_the_lead_alone_is_the_contacts_too(company: Company, database: str) -> None:
    lead, due = LEADS[0], EPOCH + timedelta(hours=50)
    company.do("capture-lead", 1, lead=lead, last_name="Eve")
    company.do("plan-task", 2, subject="Call", due=due, about=lead, noun="lead")
    deal = {"opportunity": DEALS[1], "pipeline": PIPELINE, "stage": "New", "name": "Start"}
    company.do("convert-lead", 9, lead=lead, contact=EVE, **deal)
    company.do("leave-contact", 10, opportunity=DEALS[1], contact=EVE)
    caught_up(company, database)
    for it in (company.then("contact", EVE), now(database, "contact", EVE)):
        assert (it.rows["tasks"][0].lead, it.rows["tasks"][0].contact) == (lead, None)
        assert (it.rows["opportunities"][0].lead, it.rows["opportunities"][0].contacts) == (
            lead,
            (),
        )


def test_figures_are_not_added_across_currencies(company: Company) -> None:
    said = {"pipeline": PIPELINE, "stage": "New", "account": ACME}
    for deal, amount, currency in ((DEALS[1], "50", "USD"), (DEALS[2], "7", "EUR")):
        company.do(
            "open-opportunity",
            8,
            **said,
            opportunity=deal,
            name="D",
            amount=amount,
            currency=currency,
        )
    company.do("win-opportunity", 9, opportunity=DEALS[2], amount="8", currency="EUR")
    due = EPOCH + timedelta(hours=30)
    company.do("plan-task", 9, task=TASKS[1], subject="First", due=due, about=ACME, noun="account")
    company.do("resolve-case", 9, case=CASES[0])
    it = company.then("account", ACME).figures
    assert it.open_opportunities == Tally(2, (Sum(Decimal(100), "EUR"), Sum(Decimal(50), "USD")))
    assert it.won == Tally(1, (Sum(Decimal(8), "EUR"),))
    assert (it.open_tasks, it.open_cases) == (2, 0)
    assert it.next_step is not None
    assert it.next_step.subject == "First"
    company.do("finish-task", 10, task=TASKS[1])
    step = company.then("account", ACME).figures.next_step
    assert step is not None
    assert step.subject == "Call"


def test_what_is_looked_at_is_bounded_and_says_so(
    company: Company, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.do("add-contact", 8, contact=BOB, last_name="Bob", account=ACME)
    company.do("place-order", 9, contact=ADA, currency="EUR", lines=[{"amount": "2"}])
    monkeypatch.setattr(customers, "CIRCLE_MAX", 1)
    monkeypatch.setattr(customers, "LINKED_MAX", 1)
    caught_up(company, database)
    looks = company.then("account", ACME), now(database, "account", ACME)
    assert looks[0] == looks[1]
    for it in looks:
        assert it.circle == Circle(ACME, (ADA,), is_whole=False)
        assert it.cut_short == {"contacts", "orders"}
        assert [row.net for row in it.rows["orders"]] == [Decimal(2)], "the newest"
    monkeypatch.setattr(customers, "FACTS_MAX", 3)
    assert company.then("account", ACME).cut_short >= {"orders", "cases"}


def test_whom_nobody_knows_is_not_there(company: Company, database: str) -> None:
    caught_up(company, database)
    with psycopg.connect(database) as conn:
        for noun, nobody in (("account", ADA), ("contact", ACME), ("contact", UUID(int=404))):
            assert customers.now(conn, noun, nobody) is None
            assert customers.then(company.store, noun, nobody, NOW) is None
    assert customers.then(company.store, "account", ACME, at(0)) is None


# --- Any history

PERSONS, ACCOUNTS = st.sampled_from([ADA, BOB, EVE]), st.sampled_from([ACME, NORD])
LEAD, HOUR = st.sampled_from(LEADS), st.integers(0, 60)
AMOUNT = st.sampled_from(["1", "2.50", "-3"])
MONEY = st.fixed_dictionaries({"amount": AMOUNT, "currency": st.sampled_from(["EUR", "USD"])})
WHO = st.one_of(
    st.fixed_dictionaries({"contact": PERSONS}),
    st.fixed_dictionaries({"account": ACCOUNTS}),
    st.fixed_dictionaries({"contact": PERSONS, "account": ACCOUNTS}),
)
WHOM = WHO | st.fixed_dictionaries({"lead": LEAD})
ABOUT = st.one_of(
    *(
        st.fixed_dictionaries({"noun": st.just(noun), "about": ids})
        for noun, ids in (
            ("contact", PERSONS),
            ("account", ACCOUNTS),
            ("lead", LEAD),
            ("opportunity", st.sampled_from(DEALS)),
        )
    )
)
NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})


def asked(
    command: str, *parts: st.SearchStrategy[dict[str, Any]], **fields: Any
) -> st.SearchStrategy[tuple[str, int, dict[str, Any]]]:
    drawn = {
        name: value if isinstance(value, st.SearchStrategy) else st.just(value)
        for name, value in fields.items()
    }
    whole = st.tuples(st.fixed_dictionaries(drawn), *parts)
    said = whole.map(lambda all_: {k: v for part in all_ for k, v in part.items()})
    return st.tuples(st.just(command), HOUR, said)


DEAL, CASE, TASK, TALK = (st.sampled_from(ids) for ids in (DEALS, CASES, TASKS, TALKS))
ASKED = st.one_of(
    asked("join-account", contact=PERSONS, account=ACCOUNTS),
    asked("leave-account", contact=PERSONS, account=ACCOUNTS),
    asked("change-contact", contact=PERSONS, last_name=st.sampled_from(["X", "y"])),
    asked("convert-lead", lead=LEAD, contact=PERSONS, account=ACCOUNTS),
    asked(
        "convert-lead",
        lead=LEAD,
        contact=PERSONS,
        opportunity=DEAL,
        pipeline=PIPELINE,
        stage="New",
        name="Lead's",
    ),
    asked(
        "open-opportunity",
        WHO,
        MONEY | NOTHING,
        opportunity=DEAL,
        pipeline=PIPELINE,
        stage="New",
        name="D",
    ),
    asked("join-contact", opportunity=DEAL, contact=PERSONS),
    asked("leave-contact", opportunity=DEAL, contact=PERSONS),
    asked("win-opportunity", MONEY, opportunity=DEAL),
    asked("lose-opportunity", opportunity=DEAL, lost_reason="price"),
    asked("record-interaction", WHOM, interaction=TALK, channel="call", direction="in"),
    asked("reattribute-interaction", WHOM, interaction=TALK),
    asked("withdraw-interaction", interaction=TALK, withdraw_reason="no"),
    asked("open-case", WHO, case=CASE, subject="C"),
    asked("resolve-case", case=CASE),
    asked("place-order", WHO, currency="EUR", lines=st.just([{"amount": "5"}])),
    asked("plan-task", ABOUT, task=TASK, subject="T", due=HOUR.map(lambda h: EPOCH + timedelta(h))),
    asked("finish-task", task=TASK),
)
HISTORY = st.lists(ASKED, max_size=25)


def founded(history: list[tuple[str, int, dict[str, Any]]], begun: list[int]) -> Company:
    company = Company()
    for n, account in enumerate((ACME, NORD)):
        company.do("open-account", begun[n], account=account, name=f"A{n}")
    for n, contact in enumerate((ADA, BOB)):
        company.do("add-contact", begun[2 + n], contact=contact, last_name=f"C{n}", account=ACME)
    for n, lead in enumerate(LEADS):
        company.do("capture-lead", begun[4 + n], lead=lead, last_name=f"L{n}")
    for command, hour, said in history:
        company.try_to(command, hour, **said)
    return company


def rows_of(log: list[Recorded[Any]], view: str) -> dict[UUID, Any]:
    """The rows as a fold over all of the log makes them, written as plainly as can be."""
    rows: dict[UUID, Any] = {}
    for it in log:
        if isinstance(it.event, VIEWS[view].reads):
            rows[it.stream] = VIEWS[view].evolve(rows.get(it.stream), it, (it.stream,))
    return {key: row for key, row in rows.items() if row is not None}


def names(row: Any, everyone: set[UUID]) -> bool:
    one = {getattr(row, name, None) for name in ("account", "contact", "lead")}
    return bool(everyone & {*one, *getattr(row, "contacts", ())})


def same_as_from_scratch(company: Company, noun: str, customer: UUID, cut: Cut) -> None:
    log = [it for it in company.store.page(0) if cut.holds(it)]
    row = rows_of(log, f"{noun}s").get(customer)
    found = customers.then(company.store, noun, customer, cut)
    if row is None:
        assert found is None
        return
    assert found is not None
    people = {it.id for it in rows_of(log, "contacts").values() if customer in it.accounts}
    persons = {customer} if noun == "contact" else people
    leads = {it.id for it in rows_of(log, "leads").values() if it.contact in persons}
    everyone = {customer, *persons, *leads}
    assert found.row == row
    assert set(found.circle.everyone) == everyone
    assert len(found.circle.everyone) == len(everyone)
    expected = {view: rows_of(log, view) for view in ("opportunities", "tasks", "cases", "orders")}
    for view, rows in expected.items():
        expected[view] = {key: it for key, it in rows.items() if names(it, everyone)}
        assert len(found.rows[view]) == len(expected[view])
        assert {it.id: it for it in found.rows[view]} == expected[view]
    if noun == "account":
        assert {it.id for it in found.rows["contacts"]} == people
    talks = [it for it in rows_of(log, "interactions").values() if names(it, everyone)]
    check_figures(found, expected, talks)
    told = customers.facts(company.store, found.circle, cut, limit=1_000)
    assert told == [it for it in reversed(log) if everyone & {*it.subjects}]


def check_figures(found: Around, expected: dict[str, dict[UUID, Any]], talks: list[Any]) -> None:
    figures = found.figures
    todo = [it for it in expected["tasks"].values() if it.status == "open"]
    assert figures.open_tasks == len(todo)
    assert figures.next_step == (min(todo, key=lambda it: (it.due, it.id)) if todo else None)
    cases = expected["cases"].values()
    assert figures.open_cases == sum(it.phase not in ("resolved", "closed") for it in cases)
    assert figures.talks == len(talks)
    assert figures.last_talk == max((it.occurred_at for it in talks), default=None)
    for status, tally in (("open", figures.open_opportunities), ("won", figures.won)):
        deals = [it for it in expected["opportunities"].values() if it.status == status]
        assert tally.count == len(deals)
        for one in tally.sums:
            held = [it.amount for it in deals if it.currency == one.currency and it.amount]
            assert one.amount == sum(held, Decimal(0))
        currencies = {it.currency for it in deals if it.amount is not None}
        assert {one.currency for one in tally.sums} == currencies


CUSTOMERS = [("account", ACME), ("account", NORD), ("contact", ADA), ("contact", EVE)]
BEGUN = st.lists(st.integers(0, 20), min_size=6, max_size=6)


@given(
    history=HISTORY,
    begun=BEGUN,
    hour=st.none() | HOUR,
    known=st.none() | st.integers(0, 40),
)
@settings(max_examples=200, deadline=None)
def test_as_of_then_is_a_fold_of_the_log_cut_on_both_clocks(
    history: list[tuple[str, int, dict[str, Any]]],
    begun: list[int],
    hour: int | None,
    known: int | None,
) -> None:
    company = founded(history, begun)
    log = company.store.page(0)
    knew = None if known is None else log[min(known, len(log) - 1)].recorded_at
    cut = Cut(None if hour is None else EPOCH + timedelta(hours=hour), knew)
    for noun, customer in CUSTOMERS:
        same_as_from_scratch(company, noun, customer, cut)


@given(history=HISTORY, begun=BEGUN)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_now_is_as_of_now(
    database: str, history: list[tuple[str, int, dict[str, Any]]], begun: list[int]
) -> None:
    company = founded(history, begun)
    caught_up(company, database)
    with psycopg.connect(database) as conn:
        for noun, customer in CUSTOMERS:
            assert customers.now(conn, noun, customer) == customers.then(
                company.store, noun, customer, NOW
            )

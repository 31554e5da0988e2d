"""What the demo company sells: leads that convert, opportunities, orders that come again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from api.demo.company import CURRENCY, Company, Product, Step, Track
from api.demo.customers import Customer, Customers, Person
from api.demo.script import Script
from api.demo.talk import WEBSITE, Talk
from api.demo.words import (
    CAMPAIGNS,
    COMPETITORS,
    DISCARD_REASONS,
    INTERESTS,
    LEAD_SOURCES,
    LOST_REASONS,
    RETURN_REASONS,
)
from commands.accounts import ChangeAccount
from commands.leads import CaptureLead, ConvertLead, DiscardLead, QualifyLead
from commands.opportunities import (
    AssignOpportunity,
    ChangeStage,
    ExpectClose,
    JoinContact,
    LoseOpportunity,
    OpenOpportunity,
    ReopenOpportunity,
    RevalueOpportunity,
    WinOpportunity,
)
from commands.orders import OrderLineInput, PlaceOrder, ReturnedLineInput, ReturnOrder

LEADS = 520
MACHINE_CHANCES = 460
CONTRACT_CHANCES = 250
REGULARS_SHARE = 0.45
"""The share of the accounts that were there from the beginning that order at once."""


@dataclass
class Chance:
    """An opportunity in the demo."""

    id: UUID
    track: Track
    customer: Customer
    person: Person
    owner: UUID
    amount: Decimal
    goods: list[OrderLineInput]


class Sales:
    """Fills a script with leads, opportunities and orders."""

    def __init__(self, script: Script, company: Company, customers: Customers) -> None:
        self._script, self._company, self._customers = script, company, customers
        self._talk = Talk(script)
        for customer in [c for c in customers.all if c.since < script.begin + timedelta(days=40)]:
            if script.happens(REGULARS_SHARE):
                self._come_again(customer, script.later(customer.since, 20, 0.9))
        for _ in range(script.many(LEADS)):
            self._lead(script.some_time())
        for _ in range(script.many(MACHINE_CHANCES)):
            self._chance(company.machines, customers.all)
        for _ in range(script.many(CONTRACT_CHANCES)):
            self._chance(company.contracts, [c for c in customers.all if c.buys] or customers.all)

    # --- Leads

    def _lead(self, at: datetime) -> None:
        script, rng = self._script, self._script.rng
        customer, _ = self._customers.new(at)
        first, last, email = self._customers.somebody(customer.domain)
        lead = script.new_id(at)
        at = script.any_hour(at)
        command = CaptureLead(
            lead=lead,
            first_name=first,
            last_name=last,
            email=email,
            company=customer.name,
            country=customer.city[1],
            source=script.pick(LEAD_SOURCES),
            campaign=script.pick(CAMPAIGNS) if script.happens(0.4) else None,
            interest=script.pick(INTERESTS).format(n=max(3, round(customer.size * 30))),
            owner=customer.owner,
        )
        script.tell(at, WEBSITE, command)
        self._talk.browse(at + timedelta(minutes=rng.randint(1, 9)), lead=lead)
        self._talk.call(script.later(at, 1), customer.owner, lead=lead)
        decided = script.later(at, 5)
        if script.happens(0.55):
            score = min(100, max(5, round(rng.gauss(62, 18))))
            script.tell(decided, customer.owner, QualifyLead(lead=lead, score=score))
            decided = script.later(decided, 9)
            if script.happens(0.42):
                self._convert(lead, decided, customer, (first, last))
                return
        reason = DiscardLead(lead=lead, discard_reason=script.pick(DISCARD_REASONS))
        script.tell(script.later(decided, 6), customer.owner, reason)

    def _convert(self, lead: UUID, at: datetime, customer: Customer, name: tuple[str, str]) -> None:
        script = self._script
        person = Person(script.new_id(at), at, name)
        chance = self._plan(self._company.machines, customer, person, at)
        command = ConvertLead(
            lead=lead,
            contact=person.id,
            account=customer.id,
            opportunity=chance.id,
            pipeline=chance.track.id,
            stage=chance.track.steps[0].name,
            name=f"{customer.name}: machines",
            amount=chance.amount,
            currency=CURRENCY,
            expected_close=script.later(at, 70).date(),
        )
        if not script.tell(at, customer.owner, command):
            return
        customer.since = at
        customer.people.append(person)
        self._customers.all.append(customer)
        for _ in range(script.rng.randint(0, 5)):
            self._customers.meet(customer, script.later(at, 40))
        self._play(chance, at)

    # --- Opportunities

    def _chance(self, track: Track, customers: list[Customer]) -> None:
        script = self._script
        at = script.some_time()
        there = [c for c in script.rng.choices(customers, k=8) if c.known(at)]
        if not there:
            return
        customer = there[0]
        chance = self._plan(track, customer, script.pick(customer.known(at)), at)
        kind = "machines" if track is self._company.machines else "care contract"
        command = OpenOpportunity(
            opportunity=chance.id,
            name=f"{customer.name}: {kind}",
            pipeline=track.id,
            stage=track.steps[0].name,
            account=customer.id,
            contact=chance.person.id,
            owner=chance.owner,
            product=chance.goods[0].product,
            amount=chance.amount,
            currency=CURRENCY,
            expected_close=script.later(at, 1.3 * sum(s.days for s in track.steps)).date(),
            lead_source=script.pick(LEAD_SOURCES) if script.happens(0.5) else None,
        )
        script.tell(at, chance.owner, command)
        self._play(chance, at)

    def _plan(self, track: Track, customer: Customer, person: Person, at: datetime) -> Chance:
        script = self._script
        if track is self._company.machines:
            machine, training = script.pick(self._company.products["Machines"]), 0.3
            pieces = max(1, round(customer.size * script.rng.uniform(0.3, 1.2)))
            goods = [_line(machine, pieces)]
            if script.happens(training):
                goods.append(_line(self._company.products["Services"][0], 1))
        else:
            plan = script.pick(self._company.products["Services"][1:])
            goods = [_line(plan, max(1, round(customer.size * script.rng.uniform(0.5, 1.1))))]
        amount = sum((line.amount for line in goods), Decimal(0))
        return Chance(script.new_id(at), track, customer, person, customer.owner, amount, goods)

    def _play(self, chance: Chance, at: datetime) -> None:
        """Takes an opportunity through its stages until it is won or lost or the story ends."""
        script = self._script
        slow = 1.3 if chance.amount > 20_000 else 1.0
        steps = chance.track.steps
        for number, step in enumerate(steps):
            start, at = at, script.later(at, step.days * slow)
            self._talk.about(chance.id, chance.customer, chance.person, start, at)
            self._on_the_way(chance, script.between(start, at))
            if script.happens(step.lost):
                self._lose(chance, step, at)
                return
            if number + 1 < len(steps):
                following = ChangeStage(opportunity=chance.id, stage=steps[number + 1].name)
                script.tell(at, chance.owner, following)
        self._win(chance, at)

    def _on_the_way(self, chance: Chance, at: datetime) -> None:
        script, rng = self._script, self._script.rng
        if script.happens(0.12):
            chance.amount = Decimal(round(float(chance.amount) * rng.uniform(0.8, 1.25), -1))
            worth = RevalueOpportunity(
                opportunity=chance.id, amount=chance.amount, currency=CURRENCY
            )
            script.tell(at, chance.owner, worth)
        if script.happens(0.15):
            later = script.later(at, 45).date()
            script.tell(at, chance.owner, ExpectClose(opportunity=chance.id, expected_close=later))
        others = [p for p in chance.customer.known(at) if p is not chance.person]
        if others and script.happens(0.2):
            role = script.pick(("decides", "pays", "uses it", "advises"))
            joined = JoinContact(opportunity=chance.id, contact=script.pick(others).id, role=role)
            script.tell(at, chance.owner, joined)
        if script.happens(0.02):
            chance.owner = script.pick(self._company.sales[chance.customer.city[2]])
            handed = AssignOpportunity(opportunity=chance.id, owner=chance.owner)
            script.tell(at, chance.customer.owner, handed)

    def _lose(self, chance: Chance, step: Step, at: datetime) -> None:
        script = self._script
        reason = script.pick(LOST_REASONS)
        rival = script.pick(COMPETITORS) if reason in ("competitor", "price") else None
        lost = LoseOpportunity(opportunity=chance.id, lost_reason=reason, competitor=rival)
        script.tell(at, chance.owner, lost)
        if script.happens(0.03):
            again = script.later(at, 30)
            script.tell(again, chance.owner, ReopenOpportunity(opportunity=chance.id))
            if step.lost < 0.2:
                self._win(chance, script.later(again, 12))

    def _win(self, chance: Chance, at: datetime) -> None:
        script, customer = self._script, chance.customer
        won = WinOpportunity(opportunity=chance.id, amount=chance.amount, currency=CURRENCY)
        if not script.tell(at, chance.owner, won):
            return
        self._order(customer, chance.goods, script.later(at, 3), chance)
        if not customer.buys:
            self._come_again(customer, script.later(at, 14))

    # --- Orders

    def _come_again(self, customer: Customer, at: datetime) -> None:
        """Beans and supplies, order after order, until the customer stays away."""
        script, rng = self._script, self._script.rng
        customer.buys = True
        kind = ChangeAccount(account=customer.id, kind="customer")
        if not script.tell(at, customer.owner, kind):
            return
        rhythm, orders = rng.uniform(18, 48), 0
        while at < script.until:
            self._order(customer, self._basket(customer), at)
            orders += 1
            if script.happens(0.12 if orders < 3 else 0.045):
                if not script.happens(0.25):
                    return
                at = script.later(at, 120)  # they come back after all
            at = script.later(at, rhythm, 0.25)

    def _basket(self, customer: Customer) -> list[OrderLineInput]:
        script = self._script
        beans, supplies = self._company.products["Beans"], self._company.products["Supplies"]
        chosen = script.rng.sample(beans, script.rng.randint(1, 2))
        chosen += script.rng.sample(supplies, script.rng.randint(0, 3))
        most = max(1, round(customer.size * 2))
        return [_line(product, script.rng.randint(1, most)) for product in chosen]

    def _order(
        self,
        customer: Customer,
        goods: list[OrderLineInput],
        at: datetime,
        chance: Chance | None = None,
    ) -> None:
        script = self._script
        people = customer.known(at)
        order = script.new_id(at)
        command = PlaceOrder(
            order=order,
            account=customer.id,
            contact=script.pick(people).id if people else None,
            opportunity=chance.id if chance else None,
            owner=customer.owner,
            currency=CURRENCY,
            lines=goods,
            channel="sales" if chance else script.pick(("shop", "shop", "email", "phone")),
        )
        script.tell(at, customer.owner if chance else "system:shop", command)
        if script.happens(0.035):
            self._return(order, goods, customer.owner, script.later(at, 9))

    def _return(self, order: UUID, goods: list[OrderLineInput], by: UUID, at: datetime) -> None:
        script = self._script
        number = script.rng.randrange(len(goods))
        line = goods[number]
        pieces = script.rng.randint(1, int(line.quantity))
        back = ReturnedLineInput(
            line=number + 1, quantity=Decimal(pieces), amount=line.amount / line.quantity * pieces
        )
        reason = script.pick(RETURN_REASONS)
        script.tell(at, by, ReturnOrder(order=order, lines=[back], return_reason=reason))


def _line(product: Product, pieces: int) -> OrderLineInput:
    return OrderLineInput(
        product=product.id, quantity=Decimal(pieces), amount=product.price * pieces
    )

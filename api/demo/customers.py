"""Who the demo company deals with: accounts and their people, and leads that may join them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from api.demo.company import CURRENCY, SETUP, Company
from api.demo.script import Script
from api.demo.words import (
    CITIES,
    FIRM_FIRST,
    FIRM_KINDS,
    FIRM_SECOND,
    FIRST_NAMES,
    LAST_NAMES,
    POSITIONS,
    STREETS,
)
from commands.accounts import ChangeAccount, CorrectAccount, OpenAccount
from commands.contacts import AddContact, ChangeContact, CorrectContact, JoinAccount, LeaveAccount

ACCOUNTS = 200
"""Opened as such; about 100 more come from leads."""
OLD_SHARE = 0.45
"""The share of them that was there from the beginning."""
PEOPLE = 1_600
"""At those accounts."""


@dataclass
class Person:
    """A contact in the demo."""

    id: UUID
    since: datetime
    name: tuple[str, str]


@dataclass
class Customer:
    """An account in the demo."""

    id: UUID
    since: datetime
    name: str
    domain: str
    city: tuple[str, str, str]
    owner: UUID
    size: float
    """1 is a firm of about 40 people."""
    people: list[Person] = field(default_factory=list)
    buys: bool = False

    def known(self, at: datetime) -> list[Person]:
        """Those of its people who are known at that time."""
        return [person for person in self.people if person.since <= at]


class Customers:
    """Fills a script with accounts and contacts."""

    def __init__(self, script: Script, company: Company) -> None:
        self._script, self._company = script, company
        self._firms: dict[str, int] = {}
        self._addresses: dict[str, int] = {}
        self.all: list[Customer] = []
        for number in range(script.many(ACCOUNTS)):
            self._open(old=number < script.many(ACCOUNTS) * OLD_SHARE)
        for customer in self.all:
            self.staff(customer)

    def new(self, at: datetime) -> tuple[Customer, str]:
        """A firm that nobody knows yet, and its industry."""
        script = self._script
        industry = script.pick(list(FIRM_KINDS))
        name, domain = self._firm(industry)
        city = script.pick(CITIES)
        owner = script.pick(self._company.sales[city[2]])
        size = round(min(40.0, script.rng.lognormvariate(0.2, 0.9)), 2)
        return Customer(script.new_id(at), at, name, domain, city, owner, size), industry

    def _firm(self, industry: str) -> tuple[str, str]:
        pick = self._script.pick
        while True:
            first = pick(FIRM_FIRST) + pick(FIRM_SECOND)
            if first not in self._firms:
                break
        self._firms[first] = 1
        return f"{first} {pick(FIRM_KINDS[industry])}", f"{first.lower()}.example"

    def _open(self, *, old: bool) -> None:
        script = self._script
        early = script.begin + timedelta(days=script.rng.uniform(0.4, 20))
        at = script.later(early, 1) if old else script.some_time()
        customer, industry = self.new(at)
        there = [other.id for other in self.all if other.since < at]
        parent = script.pick(there) if there and script.happens(0.05) else None
        command = OpenAccount(
            account=customer.id,
            name=customer.name,
            industry=industry,
            kind="prospect",
            website=f"https://www.{customer.domain}",
            phone=self._phone(),
            employees=max(3, round(customer.size * 40)),
            revenue=Decimal(round(customer.size * 4_000_000, -4)),
            revenue_currency=CURRENCY,
            founded=script.rng.randint(1950, 2020),
            street=f"{script.pick(STREETS)} Street {script.rng.randint(1, 140)}",
            city=customer.city[0],
            country=customer.city[1],
            parent=parent,
            owner=customer.owner,
        )
        script.tell(at, SETUP if old else customer.owner, command)
        self.all.append(customer)
        self._account_changes(customer)

    def _account_changes(self, customer: Customer) -> None:
        script = self._script
        at = script.later(customer.since, 200)
        if script.happens(0.25):
            grown = max(4, round(customer.size * 40 * script.rng.uniform(1.1, 1.5)))
            command = ChangeAccount(account=customer.id, employees=grown)
            script.tell(at, customer.owner, command)
        if script.happens(0.08):
            right = CorrectAccount(
                account=customer.id, phone=self._phone(), reason="the number did not exist"
            )
            script.tell(script.later(at, 30), customer.owner, right)

    def staff(self, customer: Customer) -> None:
        """Adds its people: most of them at once, the others as one gets to know them."""
        script = self._script
        count = min(40, 1 + round(script.rng.expovariate(1 / (PEOPLE / ACCOUNTS - 1))))
        for number in range(count):
            soon = number < 3 or script.happens(0.6)
            days = 0.2 if soon else 180
            self.meet(customer, script.later(customer.since, days))

    def meet(self, customer: Customer, at: datetime) -> Person | None:
        """Adds a contact to a customer, if the story lasts that long."""
        script = self._script
        first, last, email = self.somebody(customer.domain)
        title, department = script.pick(POSITIONS)
        person = Person(script.new_id(at), at, (first, last))
        command = AddContact(
            contact=person.id,
            first_name=first,
            last_name=last,
            email=email,
            phone=self._phone() if script.happens(0.6) else None,
            mobile=self._phone() if script.happens(0.4) else None,
            title=title,
            department=department,
            birthdate=self._birthdate() if script.happens(0.1) else None,
            city=customer.city[0],
            country=customer.city[1],
            do_not_call=True if script.happens(0.04) else None,
            account=customer.id,
            owner=customer.owner,
        )
        if not script.tell(at, customer.owner, command):
            return None
        customer.people.append(person)
        self._contact_changes(customer, person)
        return person

    def _contact_changes(self, customer: Customer, person: Person) -> None:
        script = self._script
        at = script.later(person.since, 220)
        if script.happens(0.08):
            title, department = script.pick(POSITIONS)
            new = ChangeContact(contact=person.id, title=title, department=department)
            script.tell(at, customer.owner, new)
        if script.happens(0.03):
            right = CorrectContact(
                contact=person.id, phone=self._phone(), reason="typing mistake in the number"
            )
            script.tell(script.later(at, 20), customer.owner, right)
        if script.happens(0.02) and len(self.all) > 1:
            self._change_jobs(customer, person, script.later(at, 40))

    def _change_jobs(self, old: Customer, person: Person, at: datetime) -> None:
        script = self._script
        new = script.pick([c for c in self.all if c is not old])
        if at < new.since or not script.tell(
            at, old.owner, LeaveAccount(contact=person.id, account=old.id)
        ):
            return
        _, _, email = self.somebody(new.domain, person.name)
        soon = at + timedelta(minutes=4)
        join = JoinAccount(contact=person.id, account=new.id, role=script.pick(POSITIONS)[0])
        script.tell(soon, new.owner, join)
        script.tell(soon, new.owner, ChangeContact(contact=person.id, email=email))
        old.people.remove(person)

    def somebody(self, domain: str, name: tuple[str, str] | None = None) -> tuple[str, str, str]:
        """First name, last name and an address that nobody else has."""
        pick = self._script.pick
        first, last = name or (pick(FIRST_NAMES), pick(LAST_NAMES))
        local = f"{first}.{last}".lower()
        number = self._addresses[local] = self._addresses.get(local, 0) + 1
        return first, last, f"{local}{number if number > 1 else ''}@{domain}"

    def _phone(self) -> str:
        rng = self._script.rng
        return f"+99 {rng.randint(10, 99)} {rng.randint(1_000_000, 9_999_999)}"

    def _birthdate(self) -> date:
        rng = self._script.rng
        return date(rng.randint(1958, 2001), rng.randint(1, 12), rng.randint(1, 28))

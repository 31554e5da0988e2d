"""How the demo company looks after its customers: cases, from opened to rated, and notes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.demo.company import Company
from api.demo.customers import Customer, Person
from api.demo.script import Script
from api.demo.talk import Talk
from api.demo.words import CASE_SUBJECTS, NOTES, RESOLUTIONS
from commands.cases import (
    AssignCase,
    ChangeCasePriority,
    CloseCase,
    HoldCase,
    OpenCase,
    RateCase,
    ReopenCase,
    ResolveCase,
    ResumeCase,
    StartCase,
)
from commands.notes import WriteNote
from domain.cases import WaitingOn

CASES = 900
NOTES_WRITTEN = 420
PORTAL = "system:portal"
WAITING_ON: tuple[WaitingOn, ...] = ("customer", "customer", "vendor")


class Care:
    """Fills a script with cases and with notes about contacts and accounts."""

    def __init__(self, script: Script, company: Company, customers: list[Customer]) -> None:
        self._script, self._company = script, company
        self._talk = Talk(script)
        buyers = [customer for customer in customers if customer.buys] or customers
        for _ in range(script.many(CASES)):
            at = script.some_time()
            customer = script.pick(buyers)
            people = customer.known(at)
            if people:
                self._case(at, customer, script.pick(people))
        for _ in range(script.many(NOTES_WRITTEN)):
            self._note(script.some_time(), script.pick(customers))

    def _case(self, at: datetime, customer: Customer, person: Person) -> None:
        script = self._script
        subject, kind, priority = script.pick(CASE_SUBJECTS)
        case, worker = script.new_id(at), script.pick(self._company.service[1:])
        command = OpenCase.model_validate(
            {
                "case": case,
                "subject": subject.format(n=script.rng.randint(2, 60)),
                "priority": priority,
                "channel": script.pick(("email", "call", "portal")),
                "kind": kind,
                "account": customer.id,
                "contact": person.id,
                "product": script.pick(self._company.products["Machines"]).id,
            }
        )
        script.tell(at, PORTAL, command)
        at = script.later(at, 0.05)
        script.tell(
            at, self._company.service[0], AssignCase(case=case, owner=worker, team="Service")
        )
        if script.happens(0.08):
            at = script.later(at, 0.1)
            script.tell(at, worker, ChangeCasePriority(case=case, priority="urgent"))
        at = script.later(at, 0.2 if priority == "urgent" else 1.5)
        script.tell(at, worker, StartCase(case=case))
        self._talk.call(
            script.later(at, 0.1), worker, case=case, contact=person.id, account=customer.id
        )
        self._work(case, worker, script.later(at, 0.4))

    def _work(self, case: UUID, worker: UUID, at: datetime) -> None:
        script = self._script
        while script.happens(0.35):
            script.tell(at, worker, HoldCase(case=case, on=script.pick(WAITING_ON)))
            at = script.later(at, 5)
            script.tell(at, worker, ResumeCase(case=case))
            at = script.later(at, 0.5)
        at = script.later(at, 2)
        script.tell(at, worker, ResolveCase(case=case, resolution=script.pick(RESOLUTIONS)))
        if script.happens(0.06):
            at = script.later(at, 3)
            script.tell(at, worker, ReopenCase(case=case))
            at = script.later(at, 2)
            script.tell(at, worker, ResolveCase(case=case, resolution=script.pick(RESOLUTIONS)))
        if script.happens(0.4):
            score = script.rng.choices((1, 2, 3, 4, 5), (4, 5, 12, 34, 45))[0]
            script.tell(script.later(at, 1), PORTAL, RateCase(case=case, score=score))
        script.tell(script.later(at, 5), worker, CloseCase(case=case))

    def _note(self, at: datetime, customer: Customer) -> None:
        script = self._script
        people = customer.known(at)
        if not people:
            return
        person = script.pick(people)
        about, noun = script.pick(((person.id, "contact"), (customer.id, "account")))
        note = WriteNote(note=script.new_id(at), about=about, noun=noun, text=script.pick(NOTES))
        script.tell(at, customer.owner, note)

"""How the demo company and its customers talk: calls, meetings, mail, visits, tasks and notes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from api.demo.customers import Customer, Person
from api.demo.script import Script
from api.demo.words import DOWNLOADS, NOTES, PAGES, TOPICS, WEBINARS
from commands.interactions import RecordInteraction
from commands.notes import WriteNote
from commands.tasks import DropTask, FinishTask, PlanTask

WEBSITE = "system:website"
NEWSLETTER = "system:newsletter"
VISITS = 2_600
NEWSLETTER_READERS = 140
"""Who get it each month; each month others."""
WEBINAR_GUESTS = 35
SITE = "https://www.brisa.example"


class Talk:
    """Fills a script with interactions, tasks and notes."""

    def __init__(self, script: Script) -> None:
        self._script = script

    # --- One at a time

    def browse(
        self,
        at: datetime,
        *,
        lead: UUID | None = None,
        contact: UUID | None = None,
        account: UUID | None = None,
    ) -> None:
        """Somebody looks at the site, and may take something to read."""
        script = self._script
        download = script.happens(0.2)
        page = f"files/{script.pick(DOWNLOADS)}.pdf" if download else script.pick(PAGES)
        command = RecordInteraction(
            interaction=script.new_id(at),
            channel="download" if download else "web",
            direction="in",
            kind="downloaded" if download else "visited",
            lead=lead,
            contact=contact,
            account=account,
            url=f"{SITE}/{page}",
        )
        script.tell(at, WEBSITE, command)

    def call(
        self,
        at: datetime,
        member: UUID,
        *,
        lead: UUID | None = None,
        case: UUID | None = None,
        contact: UUID | None = None,
        account: UUID | None = None,
    ) -> None:
        """We ring them; not everybody answers."""
        script = self._script
        held = script.happens(0.7)
        command = RecordInteraction(
            interaction=script.new_id(at),
            channel="call",
            direction="out",
            kind="held" if held else "missed",
            lead=lead,
            case=case,
            contact=contact,
            account=account,
            member=member,
            duration_seconds=round(script.rng.lognormvariate(5.6, 0.7)) if held else None,
        )
        script.tell(at, member, command)

    # --- Around an opportunity

    def about(
        self, opportunity: UUID, customer: Customer, person: Person, start: datetime, end: datetime
    ) -> None:
        """What is said and planned while an opportunity is in a stage."""
        script = self._script
        topic = script.pick(TOPICS)
        for _ in range(script.rng.randint(1, 4)):
            self._exchange(opportunity, customer, person, script.between(start, end), topic)
        if script.happens(0.45):
            self._task(opportunity, customer, person, start, f"Follow up: {topic}")
        if script.happens(0.2):
            at = script.between(start, end)
            note = WriteNote(
                note=script.new_id(at),
                about=opportunity,
                noun="opportunity",
                text=script.pick(NOTES),
            )
            script.tell(at, customer.owner, note)

    def _exchange(
        self, opportunity: UUID, customer: Customer, person: Person, at: datetime, topic: str
    ) -> None:
        script = self._script
        channel, direction, kind, seconds = script.rng.choices(
            (
                ("email", "out", "sent", None),
                ("email", "in", "replied", None),
                ("call", "out", "held", 420),
                ("call", "in", "held", 300),
                ("meeting", "out", "held", 2_700),
                ("message", "in", "sent", None),
            ),
            (8, 6, 4, 2, 2, 1),
        )[0]
        jitter = script.rng.uniform(0.5, 1.8)
        command = RecordInteraction.model_validate(
            {
                "interaction": script.new_id(at),
                "channel": channel,
                "direction": direction,
                "kind": kind,
                "contact": person.id,
                "account": customer.id,
                "opportunity": opportunity,
                "member": customer.owner,
                "subject": topic.capitalize(),
                "duration_seconds": round(seconds * jitter) if seconds else None,
            }
        )
        script.tell(at, customer.owner, command)

    def _task(
        self, opportunity: UUID, customer: Customer, person: Person, at: datetime, subject: str
    ) -> None:
        script = self._script
        due = script.later(at, 6)
        task = script.new_id(at)
        command = PlanTask(
            task=task,
            subject=subject,
            due=due,
            kind=script.pick(("call", "e-mail", "meeting", "to-do")),
            remind_at=due - timedelta(hours=2) if script.happens(0.5) else None,
            assignee=customer.owner,
            about=opportunity,
            noun="opportunity",
            contact=person.id,
            account=customer.id,
        )
        script.tell(at + timedelta(minutes=10), customer.owner, command)
        late = script.later(due, 6) if script.happens(0.15) else due
        end = FinishTask(task=task) if script.happens(0.95) else DropTask(task=task)
        script.tell(script.later(late, 0.1), customer.owner, end)

    # --- All the time

    def everywhere(self, customers: list[Customer]) -> None:
        """Visits, newsletters and webinars, over the whole story."""
        script = self._script
        for _ in range(script.many(VISITS)):
            at = script.any_hour(script.some_time())
            for customer, person in self._audience(customers, at, 1):
                self.browse(at, contact=person.id, account=customer.id)
        for month in range(24):
            at = script.later(script.begin + timedelta(days=30 * month + 8), 2)
            for customer, person in self._audience(customers, at, script.many(NEWSLETTER_READERS)):
                self._newsletter(at, customer, person)
        for quarter in range(8):
            at = script.later(script.begin + timedelta(days=91 * quarter + 40), 3)
            topic = script.pick(WEBINARS)
            for customer, person in self._audience(customers, at, script.many(WEBINAR_GUESTS)):
                self._heard(at, customer, person, "webinar", "attended", topic)

    def _audience(
        self, customers: list[Customer], at: datetime, count: int
    ) -> list[tuple[Customer, Person]]:
        script = self._script
        found = []
        for customer in script.rng.choices(customers, k=count):
            people = customer.known(at)
            if people:
                found.append((customer, script.pick(people)))
        return found

    def _newsletter(self, at: datetime, customer: Customer, person: Person) -> None:
        script = self._script
        subject = f"News from the roastery, {at:%B}"
        self._heard(at, customer, person, "email", "sent", subject)
        if script.happens(0.38):
            opened = at + timedelta(hours=script.rng.expovariate(1 / 9))
            self._heard(opened, customer, person, "email", "opened", subject)
            if script.happens(0.22):
                clicked = opened + timedelta(seconds=script.rng.randint(5, 240))
                self._heard(clicked, customer, person, "email", "clicked", subject)

    def _heard(
        self, at: datetime, customer: Customer, person: Person, channel: str, kind: str, what: str
    ) -> None:
        ours = kind == "sent"
        command = RecordInteraction.model_validate(
            {
                "interaction": self._script.new_id(at),
                "channel": channel,
                "direction": "out" if ours else "in",
                "kind": kind,
                "contact": person.id,
                "account": customer.id,
                "subject": what,
            }
        )
        self._script.tell(at, NEWSLETTER if channel == "email" else WEBSITE, command)

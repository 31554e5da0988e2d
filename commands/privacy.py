"""What one may ask about the people themselves: to be kept, told of, forgotten, known again."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from commands.desk import Desk
from commands.fields import Name
from commands.registry import Command, handles
from domain import contacts, leads
from domain.contacts import CONTACT, ContactErased, ContactExported, ContactHeld
from domain.kernel import some
from domain.leads import LEAD, LeadConverted, LeadErased
from event_store.store import Erasure

GROUND = "GDPR Art. 17(1)"
PURPOSES_MAX = 20
FACTS_MAX = 1_000_000_000

Purposes = Annotated[tuple[Name, ...], Field(max_length=PURPOSES_MAX)]


class Erase(Command):
    """What is said of an erasure. None of it may be personal: it is kept for ever."""

    ground: Name = Field(default=GROUND, description="The legal ground.")
    request: Name | None = Field(
        default=None, description="What the request is filed under; no name."
    )
    decided_by: Name | None = Field(default=None, description="Who decided it, if not the sender.")


class EraseContact(Erase, name="erase-contact"):
    """Forgets a contact, and the leads that they had been, for good."""

    contact: UUID


class EraseLead(Erase, name="erase-lead"):
    """Forgets a lead for good, unless they became a contact."""

    lead: UUID


class HoldContact(Command, name="hold-contact"):
    """Puts a contact under a legal hold, so that nobody can erase them."""

    contact: UUID
    hold: Name = Field(description="What it is filed under: a case, an audit.")
    purposes: Purposes = ()


class ReleaseContactHold(Command, name="release-contact-hold"):
    """Ends a legal hold on a contact."""

    contact: UUID
    hold: Name


class ReadmitContact(Command, name="readmit-contact"):
    """Lets an erased contact who came back be known again, under a new key."""

    contact: UUID
    ground: Name = Field(description="Why their data may be kept again.")


class ExportContact(Command, name="note-contact-export"):
    """Notes that all that is known of a contact was handed out."""

    contact: UUID
    facts: int = Field(ge=0, le=FACTS_MAX, description="How many facts were in it.")
    request: Name | None = Field(default=None, description="What the request is filed under.")


@handles(EraseContact)
def erase_contact(ask: EraseContact, desk: Desk) -> None:
    before, been = desk.state(CONTACT, ask.contact), _leads(desk, ask.contact)
    keys = desk.keys((ask.contact, *been))
    fact = ContactErased(**_said(ask, desk, ask.contact, keys), leads=been)
    desk.change(CONTACT, ask.contact, lambda it: contacts.erase(it, fact))
    if before.erased is None:
        for lead in been:
            _erase_lead(ask, desk, lead, keys, contact=ask.contact)
        desk.erase([Erasure(person, prints) for person, prints in keys.items()])


def _leads(desk: Desk, contact: UUID) -> tuple[UUID, ...]:
    """The leads that became the contact: the one that made it, and those that were found to be
    the same person."""
    facts = [it for it in desk.concerning(contact) if isinstance(it.event, LeadConverted)]
    return some(*(it.stream for it in facts if it.event.contact == contact))


@handles(EraseLead)
def erase_lead(ask: EraseLead, desk: Desk) -> None:
    before, keys = desk.state(LEAD, ask.lead), desk.keys((ask.lead,))
    _erase_lead(ask, desk, ask.lead, keys)
    if before.erased is None:
        desk.erase([Erasure(ask.lead, keys[ask.lead])])


Keys = dict[UUID, frozenset[bytes]]


def _erase_lead(
    ask: Erase, desk: Desk, lead: UUID, keys: Keys, contact: UUID | None = None
) -> None:
    fact = LeadErased(**_said(ask, desk, lead, keys), contact=contact)
    desk.change(LEAD, lead, lambda it: leads.erase(it, fact))


def _said(ask: Erase, desk: Desk, person: UUID, keys: Keys) -> dict[str, Any]:
    return {
        "request": ask.request or str(desk.ask.command_id),
        "ground": ask.ground,
        "decided_by": ask.decided_by or desk.ask.actor.id,
        "fingerprints": tuple(sorted(fingerprint.hex() for fingerprint in keys[person])),
        "facts": len(desk.concerning(person)),
    }


@handles(HoldContact)
def hold_contact(ask: HoldContact, desk: Desk) -> None:
    fact = ContactHeld(hold=ask.hold, purposes=ask.purposes)
    desk.change(CONTACT, ask.contact, lambda it: contacts.hold(it, fact))


@handles(ReleaseContactHold)
def release_contact_hold(ask: ReleaseContactHold, desk: Desk) -> None:
    desk.change(CONTACT, ask.contact, lambda it: contacts.release_hold(it, hold=ask.hold))


@handles(ReadmitContact)
def readmit_contact(ask: ReadmitContact, desk: Desk) -> None:
    erased = desk.state(CONTACT, ask.contact).erased
    desk.change(CONTACT, ask.contact, lambda it: contacts.readmit(it, ground=ask.ground))
    if erased is not None:
        desk.readmit(ask.contact)


@handles(ExportContact)
def note_contact_export(ask: ExportContact, desk: Desk) -> None:
    fact = ContactExported(facts=ask.facts, request=ask.request)
    desk.change(CONTACT, ask.contact, lambda it: contacts.export(it, fact))

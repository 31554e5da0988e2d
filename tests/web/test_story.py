from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from msgspec.structs import replace

from api.web import story
from api.web.story import Named
from domain.accounts import AccountDetailsChanged, AccountOpened
from domain.cases import CaseAssigned, CaseStarted
from domain.contacts import ContactAccountJoined, ContactAdded
from domain.interactions import InteractionRecorded
from domain.kernel import Event, records
from domain.notes import NoteWritten
from domain.opportunities import (
    OpportunityAssigned,
    OpportunityOpened,
    OpportunityRevalued,
    OpportunityStageChanged,
)
from domain.orders import OrderLine, OrderPlaced
from tests.given import STREAM, recorded

ACCOUNT, MEMBER, PIPELINE = UUID(int=7), UUID(int=8), UUID(int=9)
NAMES = {
    ACCOUNT: Named("account", "Acme"),
    MEMBER: Named("member", "Mara Lindqvist"),
    STREAM: Named("opportunity", "Renewal"),
}


def line(fact: Event, here: UUID | None = None, noun: str = "opportunity") -> story.Line:
    names = {**NAMES, STREAM: Named(noun, "Renewal")}
    return story.lines(recorded(fact), names, here)[0]


def told(it: story.Line) -> dict[str, str]:
    return {one.label: one.value for one in it.details}


def said(it: story.Line) -> str:
    return f"{it.before}{it.title}{it.after}"


def test_a_record_elsewhere_is_named_in_front_of_what_it_did() -> None:
    it = line(OpportunityStageChanged(from_stage="Qualified", to_stage="Proposal"))
    assert said(it) == "Renewal moved from Qualified to Proposal"
    assert it.href == f"/opportunities/{STREAM}"


def test_on_its_own_page_a_record_is_not_named() -> None:
    it = line(AccountDetailsChanged(city="Kiel"), here=STREAM)
    assert said(it) == "Changed details"
    assert it.href == ""
    assert told(it) == {"City": "Kiel"}


def test_a_name_within_the_sentence_is_the_link() -> None:
    it = line(OpportunityOpened(name="Renewal", pipeline=PIPELINE, stage="Qualified"))
    assert (it.before, it.title, it.after) == ("Opened ", "Renewal", " in Qualified")


def test_people_are_not_said_to_have_done_what_was_done_to_them() -> None:
    assert (
        said(line(ContactAdded(first_name="Ada"), noun="contact")) == "Renewal: added the contact"
    )


def test_ids_are_told_by_name_and_those_of_the_page_not_at_all() -> None:
    fact = InteractionRecorded(channel="call", direction="in", account=ACCOUNT, member=MEMBER)
    assert told(line(fact)) == {"Account": "Acme", "Member": "Mara Lindqvist"}
    assert line(fact).details[0].href == f"/accounts/{ACCOUNT}"
    assert told(line(fact, here=ACCOUNT)) == {"Member": "Mara Lindqvist"}
    stranger = line(OpportunityAssigned(owner=UUID(int=99)))
    assert told(stranger) == {"Owner": "a record that is not known here"}


def test_a_fact_of_somebody_else_says_whose_it_is() -> None:
    ada, lead = UUID(int=21), UUID(int=22)
    names = {**NAMES, ada: Named("contact", "Ada"), lead: Named("lead", "Ada?")}

    def whose(fact: Event, here: UUID, *subjects: UUID) -> dict[str, str]:
        it = replace(recorded(fact)[0], subjects=subjects)
        return told(story.lines([it], names, here)[0])

    began = CaseStarted()
    assert whose(began, ACCOUNT, ada) == {"Contact": "Ada"}
    assert whose(began, ACCOUNT, ada, ACCOUNT) == {}, "it is the account's own"
    assert whose(began, ada, lead) == {"Lead": "Ada?"}
    assert whose(ContactAdded(first_name="Ada"), ACCOUNT, STREAM) == {"First name": "Ada"}
    talk = InteractionRecorded(channel="call", direction="in", contact=ada)
    assert whose(talk, ACCOUNT, ada) == {"Contact": "Ada"}
    assert (
        len(story.lines([replace(recorded(talk)[0], subjects=(ada,))], names, ACCOUNT)[0].details)
        == 1
    )


def test_what_is_not_said_leaves_no_dash() -> None:
    assert said(line(ContactAccountJoined(account=ACCOUNT), here=STREAM)) == "Joined an account"
    assert "–" not in said(line(CaseAssigned(owner=MEMBER), noun="case"))


def test_money_is_told_once_and_in_its_digits() -> None:
    it = line(OpportunityRevalued(amount=Decimal(12_500), currency="EUR"))
    assert said(it) == "Renewal valued at 12,500.00 EUR"
    assert it.details == ()
    opened = AccountOpened(name="Acme", revenue=Decimal(5_000), revenue_currency="JPY")
    assert told(line(opened))["Revenue"] == "5,000 JPY"


def test_an_order_is_added_up() -> None:
    lines = tuple(OrderLine(quantity=Decimal(1), amount=Decimal(n)) for n in (10, 20))
    it = line(OrderPlaced(currency="EUR", lines=lines, number="1042"))
    assert told(it)["Total"] == "30.00 EUR in 2 lines"


@pytest.mark.parametrize(
    ("fact", "says", "text"),
    [
        (
            InteractionRecorded(channel="call", direction="out", kind="held", subject="Price"),
            "Call to the customer",
            "Price",
        ),
        (
            InteractionRecorded(channel="email", direction="in", subject="Re: offer", body="Yes."),
            "E-mail from the customer",
            "Re: offer\nYes.",
        ),
        (NoteWritten(about=ACCOUNT, noun="account", text="Tea."), "Note", "Tea."),
    ],
)
def test_talk_is_shown_as_it_was_said(fact: Event, says: str, text: str) -> None:
    it = line(fact)
    assert (said(it), it.text) == (says, text)
    assert it.category == "talk"


def test_actors_have_names() -> None:
    assert story.actor(str(MEMBER), NAMES) == "Mara Lindqvist"
    assert story.actor("system:import", NAMES) == "Rapport (import)"
    assert story.actor(str(UUID(int=99)), NAMES) == "a member who is not known here"


def test_facts_are_counted_by_kind() -> None:
    facts = recorded(
        NoteWritten(about=ACCOUNT, noun="account", text="Tea."), ContactAdded(first_name="Ada")
    )
    assert story.counts(facts)["talk"] == 1
    assert story.counts(facts)["details"] == 1
    assert story.ids_in(facts) >= {STREAM, ACCOUNT}


def test_every_noun_has_a_category_and_an_icon() -> None:
    told = {noun for category in story.CATEGORIES for noun in category.nouns}
    assert set(records()) <= told
    assert set(records()) <= set(story.ICONS)

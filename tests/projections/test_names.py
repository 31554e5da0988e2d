"""The names of records, for pages that have ids and for people who have names."""

from __future__ import annotations

from typing import Any

import pytest

from domain.accounts import AccountDetailsChanged, AccountOpened
from domain.contacts import ContactAdded, ContactDetailsChanged, ContactDetailsCorrected
from domain.kernel import Event, records
from domain.leads import LeadCaptured, LeadDetailsChanged
from domain.opportunities import OpportunityOpened, OpportunityRenamed
from domain.pipelines import PipelineDefined, PipelineRenamed, Stage
from projections.names import LABELS
from tests.given import STREAM, row

PIPELINE: dict[str, Any] = {"pipeline": STREAM, "stage": "New"}


@pytest.mark.parametrize(
    ("past", "label"),
    [
        ([AccountOpened(name="Acme"), AccountDetailsChanged(name="Acme Ltd")], "Acme Ltd"),
        ([ContactAdded(first_name="Eve", last_name="Poe")], "Eve Poe"),
        ([ContactAdded(last_name="Poe", email="eve@acme.example")], "Poe"),
        ([ContactAdded(email="eve@acme.example")], "eve@acme.example"),
        ([LeadCaptured(company="Acme", email="eve@acme.example")], "Acme"),
        ([OpportunityOpened(name="A", **PIPELINE), OpportunityRenamed(name="B")], "B"),
        ([PipelineDefined(name="A", stages=(Stage("New"),)), PipelineRenamed(name="B")], "B"),
    ],
)
def test_the_label_of_a_record(past: list[Event], label: str) -> None:
    it = row("names", *past)
    assert (it.noun, it.label) == (past[0].__event__.noun, label)


def test_a_part_of_a_name_can_change_by_itself() -> None:
    married = ContactDetailsChanged(last_name="Roe")
    eva = ContactDetailsCorrected(first_name="Eva", cleared=("email",))
    it = row("names", ContactAdded(first_name="Eve", email="eve@acme.example"), married, eva)
    assert (it.label, it.search, it.version) == ("Eva Roe", "eva roe", 3)


def test_a_record_is_found_by_all_of_its_names() -> None:
    it = row("names", ContactAdded(first_name="Eve", last_name="ΠΟΕ", email="Eve@acme.example"))
    assert it.search == "eve ποε eve@acme.example"


def test_a_record_without_a_name_still_has_a_label() -> None:
    assert row("names", LeadCaptured(phone="1")).label == "lead …000001"
    cleared = LeadDetailsChanged(cleared=("company",))
    assert row("names", LeadCaptured(company="Acme"), cleared).label == "lead …000001"


def test_every_noun_that_pages_link_to_has_names() -> None:
    assert records().keys() - LABELS.keys() == {"interaction", "note"}

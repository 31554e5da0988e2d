"""Fifty people, ten of them erased: every file on disk is looked through for what they were."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from api.main import Workspace
from api.settings import Settings
from commands.desk import Actor, Ask
from commands.privacy import EraseContact
from projections.kit import VIEWS
from replay import erasure
from replay.rebuild import rebuild
from tests.privacy.people import MARK, hits, tell, values

PEOPLE, ERASED = 50, frozenset(range(0, 50, 5))
KEPT = frozenset(range(PEOPLE)) - ERASED


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="crm-sweep-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def readable(folder: Path) -> Counter[int]:
    return sum(hits(folder).values(), Counter())


def test_of_the_erased_nothing_is_left_and_of_the_others_everything(folder: Path) -> None:
    # Only a server that is shut down has written all that it holds.
    with Workspace.open(Settings.read(data=folder), runner=False) as opened:
        people = {number: tell(opened.store, number) for number in range(PEOPLE)}
        opened.runner.catch_up()
        opened.analyst.query("SELECT count(*) FROM events")
    before = hits(folder)
    assert set(sum(before.values(), Counter())) == {*people}
    assert all(file.startswith("pgdata/base/") for file in before), "in no log, nor elsewhere"

    with Workspace.open(Settings.read(data=folder), runner=False) as opened:
        for number in ERASED:
            ask = Ask(EraseContact(contact=people[number]), Actor("ada"), remember=True)
            opened.bus.dispatch(ask)
        certified = erasure.complete(opened.store, opened.dsn, VIEWS.values())
        assert {it.person for it in certified} == {people[number] for number in ERASED}
        the_log_tells_of_the_others_alone(opened, people)
    left = readable(folder)
    assert not left.keys() & ERASED, hits(folder)
    assert left.keys() == KEPT

    with Workspace.open(Settings.read(data=folder), runner=False) as opened:
        rebuilt_is_served(opened)
        opened.store.keys.rotate()
        opened.store.forget_keys()
        the_log_tells_of_the_others_alone(opened, people)


def rebuilt_is_served(opened: Workspace) -> None:
    for done in rebuild(opened.store, opened.dsn, check=True):
        assert (done.differences, done.error) == (0, None), done.view


def the_log_tells_of_the_others_alone(opened: Workspace, people: dict[int, UUID]) -> None:
    opened.store.forget_keys()
    for number, person in people.items():
        events = opened.store.by_subject(person)
        said = values(events)
        if number in ERASED:
            assert not said
            assert {it.withheld for it in events} == {"erased", None}
        else:
            assert len(said) > 30
            assert {it.withheld for it in events} == {None}
    claims = [("contact_email", f"{MARK}{number:02}email") for number in people]
    assert len(opened.store.owners(claims)) == len(KEPT)

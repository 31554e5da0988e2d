"""Keys: made once, wrapped outside the database, destroyed behind a fence, rotated away."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from commands.bus import Bus
from commands.contacts import AddContact, ChangeContact
from commands.desk import Actor, Ask
from commands.notes import WriteNote
from commands.privacy import EraseContact, ReadmitContact
from domain.kernel import Refused, new_id
from event_store.keks import GivenKeks, KekFile, WrapFailed
from event_store.keys import PersonalDataLocked, PersonErased
from event_store.postgres import PostgresEventStore
from tests.conftest import CLAIM_KEY

ADA = Actor("ada")
BOUND = b"main|somebody|1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "kek.json"


@pytest.fixture
def keks(file: Path) -> KekFile:
    made = KekFile(file)
    made.make()
    return made


@pytest.fixture
def log(database: str, keks: KekFile) -> Iterator[PostgresEventStore]:
    opened = PostgresEventStore(database, claim_key=CLAIM_KEY, keks=keks)
    yield opened
    opened.close()


def do(log: PostgresEventStore, *commands: Any) -> None:
    for command in commands:
        Bus(log).dispatch(Ask(command, ADA))


def add(log: PostgresEventStore, external_id: str | None = None) -> UUID:
    contact = new_id()
    said = {"last_name": "Zander", "email": "anna@example.com", "external_id": external_id}
    do(log, AddContact.model_validate({"contact": contact, **said}))
    return contact


def name_of(log: PostgresEventStore, contact: UUID) -> str | None:
    log.forget_keys()
    name: str | None = log.read(contact)[0].event.last_name
    return name


def withheld(log: PostgresEventStore, contact: UUID) -> str | None:
    log.forget_keys()
    return log.read(contact)[0].withheld


class TestKekFile:
    def test_is_for_its_owner_only(self, keks: KekFile, file: Path) -> None:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_is_made_once(self, keks: KekFile, file: Path) -> None:
        before = file.read_bytes()
        KekFile(file).make()
        assert file.read_bytes() == before

    def test_wraps_for_one_place_and_one_epoch(self, keks: KekFile) -> None:
        wrapped = keks.wrap(1, b"secret", BOUND)
        assert keks.unwrap(1, wrapped, BOUND) == b"secret"
        for epoch, bound in ((1, b"main|another|1"), (2, BOUND)):
            with pytest.raises(WrapFailed):
                keks.unwrap(epoch, wrapped, bound)

    def test_destroys_what_a_rotation_leaves_behind(self, keks: KekFile, file: Path) -> None:
        wrapped = keks.wrap(1, b"secret", BOUND)
        old = os.open(file, os.O_RDONLY)
        try:
            assert keks.begin() == 2
            assert keks.unwrap(1, wrapped, BOUND) == b"secret"
            assert keks.retire(2) == (1,)
            assert os.read(old, 4096).strip(b"\0") == b"", "overwritten, not only unlinked"
        finally:
            os.close(old)
        with pytest.raises(WrapFailed):
            KekFile(file).unwrap(1, wrapped, BOUND)

    def test_another_program_sees_a_rotation(self, keks: KekFile, file: Path) -> None:
        other = KekFile(file)
        assert other.current() == 1
        keks.begin()
        assert other.current() == 2

    @pytest.mark.parametrize("content", [b"", b"{}", b'{"epochs":{}}', b'{"epochs":{"1":"ab"}}'])
    def test_that_is_damaged_opens_nothing(self, keks: KekFile, file: Path, content: bytes) -> None:
        file.write_bytes(content)
        with pytest.raises(PersonalDataLocked):
            keks.current()

    @pytest.mark.parametrize("text", ["", "short", "1:zz", "x:" + "00" * 32])
    def test_given_keys_have_to_be_keys(self, text: str) -> None:
        with pytest.raises(PersonalDataLocked):
            GivenKeks(text)

    def test_the_newest_given_key_is_the_current_one(self) -> None:
        assert GivenKeks(f"1:{'00' * 32},7:{'11' * 32}").current() == 7


class TestErasure:
    def test_the_log_forgets_at_once(self, log: PostgresEventStore, database: str) -> None:
        contact = add(log)
        other = PostgresEventStore(database, claim_key=CLAIM_KEY, keks=log.keys.keks)
        assert other.read(contact)[0].event.last_name == "Zander"
        do(log, EraseContact(contact=contact))

        assert (name_of(log, contact), withheld(log, contact)) == (None, "erased")
        assert log.owners([("contact_email", "anna@example.com")]) == {}
        assert withheld(other, contact) == "erased"
        other.close()

    def test_nothing_personal_can_be_said_of_them(self, log: PostgresEventStore) -> None:
        contact = add(log, external_id="C-1")
        do(log, EraseContact(contact=contact))
        for command in (
            ChangeContact(contact=contact, phone="123"),
            WriteNote(about=contact, noun="contact", text="called again"),
        ):
            with pytest.raises(PersonErased):
                do(log, command)
        do(log, ChangeContact(contact=contact, external_id="C-2"))

    def test_in_a_batch_only_what_speaks_of_them_is_refused(self, log: PostgresEventStore) -> None:
        erased, kept = add(log, external_id="C-1"), new_id()
        do(log, EraseContact(contact=erased))
        asks = [
            AddContact(contact=kept, last_name="Young"),
            ChangeContact(contact=erased, phone="123"),
            ChangeContact(contact=kept, phone="456"),
        ]
        done = Bus(log).dispatch_all([Ask(ask, ADA) for ask in asks])

        assert [isinstance(answer, Refused) for answer in done] == [False, True, False]
        assert name_of(log, kept) == "Young"

    def test_an_old_key_put_back_stays_closed(self, log: PostgresEventStore, database: str) -> None:
        contact = add(log, external_id="C-1")
        with psycopg.connect(database, autocommit=True) as conn:
            kept = _keys(conn)
            do(log, EraseContact(contact=contact))
            _put_back(conn, kept)

        assert withheld(log, contact) == "erased"
        with pytest.raises(PersonErased):
            do(log, ChangeContact(contact=contact, phone="123"))

    def test_under_another_number_it_stays_closed_too(
        self, log: PostgresEventStore, database: str
    ) -> None:
        contact = add(log, external_id="C-1")
        (key,) = log.keys.for_writing([contact]).values()
        do(log, EraseContact(contact=contact))
        bound = f"main|{contact}|2".encode()
        with psycopg.connect(database, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO log.keys VALUES (%s, 2, 1, %s, 'x')",
                (contact, log.keys.keks.wrap(1, key.secret, bound)),
            )
        assert log.keys.for_reading([f"{contact}.2"]) == {f"{contact}.2": "erased"}

    def test_after_a_rotation_no_old_copy_opens_even_without_the_fence(
        self, log: PostgresEventStore, database: str
    ) -> None:
        contact, other = add(log), new_id()
        do(log, AddContact(contact=other, last_name="Young"))
        with psycopg.connect(database, autocommit=True) as conn:
            kept = _keys(conn)
            do(log, EraseContact(contact=contact))
            assert log.keys.rotate()[1:] == (1, (1,))
            conn.execute("DELETE FROM log.fences")
            conn.execute("DELETE FROM log.keys WHERE subject = %s", (contact,))
            _put_back(conn, [row for row in kept if row[0] == contact])

        assert (name_of(log, contact), withheld(log, contact)) == (None, "unreadable")
        assert name_of(log, other) == "Young"

    def test_who_comes_back_gets_a_new_key(self, log: PostgresEventStore) -> None:
        contact = add(log)
        do(log, EraseContact(contact=contact), ReadmitContact(contact=contact, ground="order 7"))
        do(log, ChangeContact(contact=contact, last_name="Anew"))

        log.forget_keys()
        events = log.read(contact)
        assert events[0].withheld == "erased"
        assert (events[-1].event.last_name, events[-1].withheld) == ("Anew", None)

    def test_the_same_erasure_asked_again_does_nothing(self, log: PostgresEventStore) -> None:
        contact = add(log)
        ask = Ask(EraseContact(contact=contact), ADA, remember=True)
        first = Bus(log).dispatch(ask)
        assert Bus(log).dispatch(ask).position == first.position
        do(log, EraseContact(contact=contact))
        assert log.head() == first.position

    def test_the_fact_names_the_keys_and_not_the_person(self, log: PostgresEventStore) -> None:
        contact = add(log)
        (key,) = log.keys.for_writing([contact]).values()
        do(log, EraseContact(contact=contact, request="R-7"))
        fact = log.read(contact)[-1].event
        assert (fact.request, fact.fingerprints) == ("R-7", (key.fingerprint.hex(),))


class TestWithoutKeks:
    def test_the_rest_works_and_nothing_personal_is_said(
        self, log: PostgresEventStore, file: Path
    ) -> None:
        contact = add(log, external_id="C-1")
        file.rename(file.with_name("away"))
        log.forget_keys()

        assert (name_of(log, contact), withheld(log, contact)) == (None, "unreadable")
        assert log.read(contact)[0].event.external_id == "C-1"
        do(log, ChangeContact(contact=contact, external_id="C-2"))
        with pytest.raises(PersonalDataLocked, match="cannot be used"):
            do(log, ChangeContact(contact=contact, phone="123"))
        assert log.keys.check() is not None

        file.with_name("away").rename(file)
        assert name_of(log, contact) == "Zander"

    def test_other_keks_open_nothing_and_make_nothing(
        self, log: PostgresEventStore, database: str
    ) -> None:
        contact = add(log)
        other = PostgresEventStore(database, claim_key=CLAIM_KEY, keks=GivenKeks("11" * 32))
        assert withheld(other, contact) == "unreadable"
        assert other.keys.check() == "the key encryption keys are not those of this log"
        with pytest.raises(PersonalDataLocked, match="not those of this log"):
            other.keys.rotate()
        with pytest.raises(PersonalDataLocked, match="not those of this log"):
            other.keys.for_writing([new_id()])
        other.close()
        assert name_of(log, contact) == "Zander"


def _keys(conn: Connection[Any]) -> list[Any]:
    return conn.execute(
        "SELECT subject, revision, kek_epoch, wrapped, fingerprint FROM log.keys"
    ).fetchall()


def _put_back(conn: Connection[Any], rows: list[Any]) -> None:
    conn.cursor().executemany(
        "INSERT INTO log.keys (subject, revision, kek_epoch, wrapped, fingerprint)"
        " VALUES (%s, %s, %s, %s, %s)",
        rows,
    )

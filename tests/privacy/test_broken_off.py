"""An erasure is killed at each of its steps, and comes to its end whoever takes it up."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commands.bus import Bus
from commands.contacts import AddContact
from commands.desk import Actor, Ask
from domain.kernel import new_id
from event_store.keks import KekFile
from event_store.postgres import PostgresEventStore
from projections import questions
from projections.kit import VIEWS
from replay import erasure, tables
from replay.runner import Runner
from tests.conftest import CLAIM_KEY

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import os, signal, sys
from pathlib import Path
from uuid import UUID
import commands, projections
from commands.bus import Bus
from commands.desk import Actor, Ask
from commands.privacy import EraseContact
from event_store.keks import KekFile
from event_store.keyring import PostgresKeys
from event_store.postgres import PostgresEventStore
from projections.kit import VIEWS
from replay import erasure, registry, tables
from replay.follower import Follower
from tests.conftest import CLAIM_KEY

dsn, contact, file, step = sys.argv[1:]

def die(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)

owner, name = {
    "after the keys are gone": (erasure, "complete"),
    "before rows are made anew": (Follower, "step"),
    "before a table is rewritten": (tables, "copy"),
    "before a new table is served": (registry, "serve"),
    "before it is certified": (erasure, "_certify"),
    "before keys are wrapped anew": (PostgresKeys, "_rewrap"),
    "before an epoch is destroyed": (KekFile, "retire"),
    "before the rotation is told": (erasure, "Entry"),
}[step]
store = PostgresEventStore(dsn, claim_key=CLAIM_KEY, keks=KekFile(Path(file)))
if "told" not in step:
    setattr(owner, name, die)
Bus(store).dispatch(Ask(EraseContact(contact=UUID(contact)), Actor("ada")))
erasure.complete(store, dsn, VIEWS.values())
setattr(owner, name, die)
erasure.rotate(store, "ada")
"""
STEPS = [line.split('"')[1] for line in PROGRAM.splitlines() if line.startswith('    "')]


@pytest.mark.parametrize("step", STEPS)
def test_it_is_taken_up_where_it_broke_off(step: str, database: str, tmp_path: Path) -> None:
    keks = KekFile(tmp_path / "kek.json")
    keks.make()
    store = PostgresEventStore(database, claim_key=CLAIM_KEY, keks=keks)
    contact, other = new_id(), new_id()
    for person, name in ((contact, "Zander"), (other, "Young")):
        Bus(store).dispatch(Ask(AddContact(contact=person, last_name=name), Actor("ada")))
    runner = Runner(store, database)
    runner.prepare()
    runner.catch_up()

    died = subprocess.run(
        [sys.executable, "-c", PROGRAM, database, str(contact), str(keks.file), step],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    store.forget_keys()
    assert store.read(contact)[0].withheld == "erased", "at once, whatever breaks"

    erasure.complete(store, database, VIEWS.values())
    erasure.rotate(store, "ada")
    assert erasure.pending(store) == []
    assert [it.name for it in store.read(contact)].count("contact.erasure_certified") == 1
    assert store.keys.counts().epochs.keys() == {keks.current()}
    assert store.read(other)[0].event.last_name == "Young"
    with tables.connect(database) as conn:
        rows = {row.id: row.last_name for row in questions.select(conn, "contacts")}
        assert rows == {contact: None, other: "Young"}
        assert (
            len(conn.execute("SELECT FROM pg_tables WHERE tablename ~ 'contacts__'").fetchall())
            == 1
        )
    store.close()

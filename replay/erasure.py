"""The way from “erased” to “nothing readable is left”: what has to be done once keys are gone.

The keys, the claims and the fact go in one transaction. Views make the rows of the person anew
when they fold that fact. What remains is done here: tables are rewritten, so that no file holds
what rows said before, and that is certified in the log. All of it may break off at any moment
and be done again, by any program.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from domain.contacts import ContactErased, ContactErasureCertified
from domain.contacts import certify_erasure as certify_contact
from domain.erasure import ERASURES, ErasureDetails, Reached
from domain.kernel import AGGREGATES, Event, Recorded, fold, new_id, some
from domain.keys import STREAM, KeysRotated
from domain.leads import LeadErasureCertified
from domain.leads import certify_erasure as certify_lead
from event_store.keyring import Rotated
from event_store.postgres import PostgresEventStore
from event_store.store import Conflict, Entry, Envelope, EventStore, Write
from projections.kit import View
from replay import registry, tables
from replay.folding import Readers
from replay.follower import Follower
from replay.pages import pages, stale
from replay.rebuild import SWAP_PAUSE, SWAP_TRIES_MAX, rebuild
from replay.registry import LIVE
from replay.tables import Connection

CERTIFICATES = ("contact.erasure_certified", "lead.erasure_certified")
ACTOR = "system:erasure"
KEPT = (
    "backups and the database's own log: ciphertext and wrapped keys, dead with the next rotation"
    " of the key encryption keys",
)


class Incomplete(Exception):
    """Somebody was erased, and a view that cannot be made anew may still tell of them."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A person of whom nothing readable is left."""

    person: UUID
    noun: str
    stores: tuple[Reached, ...]


def pending(store: EventStore) -> list[Recorded[ErasureDetails]]:
    """Erasures that are not certified yet, oldest first."""
    found: dict[UUID, Recorded[ErasureDetails]] = {}
    for events, _ in pages(store, 0, store.head(), (*ERASURES, *CERTIFICATES)):
        for it in events:
            if it.name in ERASURES:
                found[it.stream] = it
            else:
                found.pop(it.stream, None)
    return list(found.values())


def complete(store: EventStore, dsn: str, views: Collection[View[Any]]) -> list[Certified]:
    """Brings every erasure that is pending to its end, and certifies it.

    Raises:
        Incomplete: a view cannot be made anew; nothing is certified.
    """
    if not pending(store):
        return []
    telling = [view for view in views if view.personal_columns]
    with tables.connect(dsn) as conn, registry.locked(conn, registry.BUILDING):
        # Whoever builds a view meanwhile is waited for, and nobody begins to.
        due = pending(store)
        if due:
            goal = max(it.position for it in due)
            _fold_past(store, conn, views, goal)
            broken = [view for view in telling if not _rewrite(conn, view, goal)]
    if not due:
        return []
    for done in rebuild(store, dsn, [view.name for view in broken], views=views) if broken else ():
        if done.error is not None:
            raise Incomplete(f"the view {done.view} cannot be made anew: {done.error}")
    return [it for one in due if (it := _certify(store, one, telling))]


def rotate(store: PostgresEventStore, actor: str) -> Rotated:
    """Wraps every key anew under a new epoch, destroys the epochs before it, and says so in the
    log: from then on no copy of an erased person's key can be opened, wherever it lies.

    Raises:
        PersonalDataLocked: a key does not open, or the epochs cannot be had.
    """
    done = store.keys.rotate()
    fact = KeysRotated(epoch=done.epoch, keys=done.keys, retired=done.retired)
    command = new_id()
    while True:
        write = Write(STREAM, len(store.read(STREAM)), (fact,))
        try:
            store.append(Entry(Envelope(actor, command, command), (write,)))
        except Conflict:
            continue
        return done


def _fold_past(
    store: EventStore, conn: Connection, views: Collection[View[Any]], position: int
) -> None:
    """Takes live views past the erasures, where their rows are made anew."""
    follower = Follower(store, conn, {view.name: view for view in views})
    while follower.step(store.head()) < position:
        pass


def _rewrite(conn: Connection, view: View[Any], goal: int) -> bool:
    """Puts a view's rows into a new table and drops the old one, whose file still holds what
    rows said before. False where the view does not serve what it should."""
    for left in reversed(range(SWAP_TRIES_MAX)):
        try:
            with conn.transaction():
                conn.execute("SET LOCAL lock_timeout = '500ms'")
                standing = registry.lock(conn, [view.name])[view.name]
                serves = standing.state == LIVE and standing.version == view.version
                if not serves or standing.position < goal:
                    return False
                old = tables.table_name(view, standing.generation)
                generation = registry.next_generation(conn)
                tables.copy(conn, view, old, tables.table_name(view, generation))
                registry.serve(conn, view, generation, standing.position)
                tables.drop(conn, old)
                return True
        except psycopg.errors.LockNotAvailable:
            if not left:
                raise
            time.sleep(SWAP_PAUSE)
    raise AssertionError("unreachable")


def _certify(
    store: EventStore, erased: Recorded[ErasureDetails], views: Sequence[View[Any]]
) -> Certified | None:
    """Says so in the log; None where somebody else was faster."""
    person, past = erased.stream, store.read(erased.stream)
    kind = AGGREGATES[past[0].event.__event__.noun]
    state = fold(kind.evolve, kind.blank, (it.event for it in past))
    stores = _reached(store, erased, views)
    facts = _certificate(erased.event, state, stores)
    command = new_id()
    write = Write(person, len(past), tuple(facts), some(person, *kind.subjects(state)))
    try:
        if facts:
            store.append(Entry(Envelope(ACTOR, command, command), (write,)))
    except Conflict:
        return None
    return Certified(person, kind.noun, stores) if facts else None


def _certificate(
    erased: ErasureDetails, state: Any, stores: tuple[Reached, ...]
) -> Sequence[Event]:
    said: dict[str, Any] = {"request": erased.request, "stores": stores, "kept": KEPT}
    if isinstance(erased, ContactErased):
        return certify_contact(state, ContactErasureCertified(**said))
    return certify_lead(state, LeadErasureCertified(**said))


def _reached(
    store: EventStore, erased: Recorded[ErasureDetails], views: Sequence[View[Any]]
) -> tuple[Reached, ...]:
    """What was destroyed or made anew, with how many rows of it."""
    person = erased.stream
    past = stale(store, {person})
    sealed = sum(it.sealed_for == person for it in past)
    reached = [
        Reached("log.keys", len(erased.event.fingerprints)),
        Reached("log.events (unreadable)", sealed),
    ]
    for view, events in zip(views, Readers(views).shares(past), strict=True):
        rows = {key for it in events for key in view.keys(it)}
        reached.append(Reached(f"views.{view.name}", len(rows)))
    return tuple(reached)

"""From a command to the log. Every way in goes through here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from commands.desk import Ask, Decided, Outcome, States, decide
from domain.kernel import Refused
from event_store.keys import PersonErased
from event_store.store import Appended, Checkpoint, ClaimTaken, Conflict, EventStore

TRIES_MAX = 5
"""How often a command is decided anew when others write to its streams meanwhile."""

Lane = Hashable | None
"""What a command has to keep its order with; None is alone."""


class Behind(Refused):
    """A command that has to come first was refused."""


class Bus:
    """Carries out commands against the log of one workspace."""

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def dispatch(self, ask: Ask) -> Outcome:
        """Carries out one command: decides, and decides anew if others were faster.

        Raises: Refused, Conflict, ClaimTaken, KeyReused, TooBusy.
        """
        known = self._known(ask)
        if known is not None:
            return known
        for left in reversed(range(TRIES_MAX)):
            states = States(self.store)
            states.prefetch([ask.command])
            decided = decide(ask, states)
            if not decided.is_new:
                return decided.outcome(None, self.store.head())
            try:
                done = self.store.append(decided.entry)
            except (Conflict, ClaimTaken) as faster:
                # Whoever named a version wants to hear of it; everyone else decides again.
                if not left or (ask.expected is not None and isinstance(faster, Conflict)):
                    raise
                continue
            return _first_outcome(done) if done.repeated else decided.outcome(done)
        raise AssertionError("unreachable")

    def preview(
        self,
        asks: Sequence[Ask],
        states: States | None = None,
        lanes: Sequence[Lane] | None = None,
    ) -> list[Decided | Refused | Conflict]:
        """What the commands would do, one after the other; nothing is stored. ``lanes``: as in
        ``dispatch_all``."""
        states = states or States(self.store)
        states.prefetch([ask.command for ask in asks])
        if lanes is None:
            return [_decide_or_refuse(ask, states) for ask in asks]
        return _in_lanes(asks, states, lanes)

    def dispatch_all(
        self,
        asks: Sequence[Ask],
        states: States | None = None,
        checkpoint: Checkpoint | None = None,
        lanes: Sequence[Lane] | None = None,
    ) -> list[Outcome | Refused | Conflict]:
        """Carries out many commands in one transaction; a refused one fails alone.

        ``states`` may be kept from call to call by a long job; ``checkpoint`` is stored with
        the events, so that the job can go on from there. ``lanes``, one for each command: after
        a refused one, the later ones of its lane are refused as ``Behind``.
        """
        states = states or States(self.store)
        for left in reversed(range(TRIES_MAX)):
            known = self._all_known(asks)
            fresh = [ask for ask, done in zip(asks, known, strict=True) if done is None]
            free = lanes and [lane for lane, done in zip(lanes, known, strict=True) if not done]
            decisions = iter(self.preview(fresh, states, free))
            answers = [done or next(decisions) for done in known]
            new = [a for a in answers if isinstance(a, Decided) and a.is_new]
            try:
                stored = iter(self.store.append_all([a.entry for a in new], checkpoint))
            except (Conflict, ClaimTaken):
                states.forget()
                if not left:
                    raise
                continue
            except PersonErased as no:
                # Those who speak of them are refused alone.
                states.erased |= no.persons
                states.forget()
                if not left:
                    raise
                continue
            return [
                a.outcome(next(stored) if a.is_new else None) if isinstance(a, Decided) else a
                for a in answers
            ]
        raise AssertionError("unreachable")

    def _known(self, ask: Ask) -> Outcome | None:
        return self._all_known([ask])[0]

    def _all_known(self, asks: Sequence[Ask]) -> list[Outcome | None]:
        """What was carried out before, asked for at once."""
        remembered = {a.command_id: a.command.fingerprint() for a in asks if a.remember}
        if not remembered:
            return [None] * len(asks)
        found = self.store.outcomes(remembered)
        done = [found.get(ask.command_id) if ask.remember else None for ask in asks]
        return [_first_outcome(known) if known else None for known in done]


def _in_lanes(
    asks: Sequence[Ask], states: States, lanes: Sequence[Lane]
) -> list[Decided | Refused | Conflict]:
    decisions: list[Decided | Refused | Conflict] = []
    stopped: set[Hashable] = set()
    for ask, lane in zip(asks, lanes, strict=True):
        decision = Behind() if lane in stopped else _decide_or_refuse(ask, states)
        if lane is not None and not isinstance(decision, Decided):
            stopped.add(lane)
        decisions.append(decision)
    return decisions


def _decide_or_refuse(ask: Ask, states: States) -> Decided | Refused | Conflict:
    try:
        return decide(ask, states)
    except (Refused, Conflict) as no:
        return no


def _first_outcome(known: Appended) -> Outcome:
    stream = next(iter(known.versions), None)
    return Outcome(
        position=known.position,
        stream=stream,
        version=known.versions[stream] if stream else 0,
        events=known.events,
        repeated=known.repeated,
    )

"""Personal fields under a key: how they lie in an event's state, and what holds them in place.

A sealed state is the JSON object of the impersonal fields with one more member at its end,
``"~": ["<key id>", "<base64 of nonce and ciphertext>"]``. What is sealed is the JSON object of
all personal fields of the event that were said. Everything else that is stored of the state, and
where it is stored, is authenticated with it, so that nothing of it can be changed or moved.
"""

from __future__ import annotations

import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag

from domain.kernel import Recorded, Withheld
from event_store.codec import UnreadableEvent, decode, without
from event_store.keys import Key, Keys, parse_key_id

NONCE_BYTES = 12
_MARK = b'"~":["'
_END = b'"]}'


class Place(NamedTuple):
    """Where a sealed state belongs."""

    workspace: str
    stream: UUID
    version: int
    topic: str

    def bind(self, key_id: bytes, impersonal: bytes) -> bytes:
        """What is authenticated beside the personal fields."""
        return b"%b|%b|%d|%b|%b|%b" % (
            self.workspace.encode(),
            self.stream.bytes,
            self.version,
            self.topic.encode(),
            key_id,
            impersonal,
        )


def seal(impersonal: bytes, personal: bytes, key: Key, place: Place) -> bytes:
    """The state of an event whose fields are given as two JSON objects."""
    head = impersonal[:-1] + (b"," if len(impersonal) > len(b"{}") else b"")
    key_id, nonce = key.id.encode(), os.urandom(NONCE_BYTES)
    box = nonce + key.cipher.encrypt(nonce, personal, place.bind(key_id, head))
    return b"".join((head, _MARK, key_id, b'","', b2a_base64(box, newline=False), _END))


def key_of(state: bytes) -> str | None:
    """The id of the key that a state is sealed under; None for one in clear."""
    at = state.rfind(_MARK)
    if at < 0:
        return None
    return state[at + len(_MARK) :].partition(b'"')[0].decode("ascii", "replace")


def unseal(state: bytes, key: Key, place: Place) -> bytes:
    """The state in clear: all fields in one JSON object.

    Raises:
        UnreadableEvent: it is not what was sealed there.
    """
    head, _, tail = state.rpartition(_MARK)
    key_id, _, sealed = tail.removesuffix(_END).partition(b'","')
    try:
        box = _unpacked(sealed)
        nonce, ciphertext = box[:NONCE_BYTES], box[NONCE_BYTES:]
        personal = key.cipher.decrypt(nonce, ciphertext, place.bind(key_id, head))
    except (InvalidTag, ValueError):
        why = f"version {place.version} of {place.stream} is not what was sealed there"
        raise UnreadableEvent(place.topic, why) from None
    return head + personal[1:]


def _unpacked(sealed: bytes) -> bytes:
    box = a2b_base64(sealed, strict_mode=True)
    if (
        b2a_base64(box, newline=False) != sealed
    ):  # the last character may hold bits that say nothing
        raise ValueError("this is not how it was written")
    return box


def bare(state: bytes, topic: str, why: Withheld) -> bytes:
    """The state without what is sealed in it."""
    head, _, _ = state.rpartition(_MARK)
    rest = without(topic, why)[1:]
    return head.removesuffix(b",") + rest if rest == b"}" else head + rest


class Reader:
    """Reads stored rows, with the keys that they need fetched at once."""

    def __init__(self, workspace: str, keys: Keys) -> None:
        self._workspace, self._keys = workspace, keys

    def read(self, rows: Sequence[Sequence[Any]]) -> list[Recorded[Any]]:
        """The events behind stored rows.

        Raises:
            UnreadableEvent: this code does not know one, or it was tampered with.
        """
        ids = [key_of(row[1]) for row in rows]
        wanted = {key_id for key_id in ids if key_id is not None}
        keys = self._keys.for_reading(wanted) if wanted else {}
        return [self._recorded(row, key_id, keys) for row, key_id in zip(rows, ids, strict=True)]

    def _recorded(
        self, row: Sequence[Any], key_id: str | None, keys: Mapping[str, Key | Withheld]
    ) -> Recorded[Any]:
        topic, state = row[0], row[1]
        withheld: Withheld | None = None
        person: UUID | None = None
        if key_id is not None:
            key = keys[key_id]
            if isinstance(key, Key):
                person = key.subject
                state = unseal(state, key, Place(self._workspace, row[3], row[4], topic))
            else:
                person, _ = parse_key_id(key_id)
                withheld, state = key, bare(state, topic, key)
        rest = (*row[2:15], tuple(row[15]), withheld, person)
        return Recorded(decode(topic, state), *rest)

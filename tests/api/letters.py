"""Messages for the tests of inbound, and what the log made of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from domain.kernel import new_id
from event_store.dead_letters import Message
from event_store.store import EventStore

TOPIC = "crm.test.inbound"
_offsets = count()


def message(said: object, key: bytes | None = None, **headers: str) -> Message:
    """A message with a JSON body, or with the bytes that are given."""
    value = said if isinstance(said, bytes) else json.dumps(said).encode()
    named = tuple((name, text.encode()) for name, text in headers.items())
    return Message(TOPIC, 0, next(_offsets), datetime.now(UTC), key, value, named)


def account(name: str = "Acme", **fields: Any) -> dict[str, Any]:
    return {"command": "open-account", "account": str(new_id()), "name": name, **fields}


def call(account: object, subject: str) -> dict[str, Any]:
    """A phone call with an account; refused for as long as that is not there."""
    return {
        "command": "record-interaction",
        "channel": "call",
        "direction": "in",
        "account": str(account),
        "subject": subject,
    }


def calls(store: EventStore) -> list[str]:
    """The subjects of all calls, in the order of the log."""
    return [it.event.subject for it in store.page(0, names=["interaction.recorded"])]


def opened(store: EventStore) -> list[UUID]:
    """All accounts, in the order of the log."""
    return [it.stream for it in store.page(0, names=["account.opened"])]

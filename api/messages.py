"""A message as a command: read, asked for under the message's own id, and why it was not done."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any
from uuid import UUID, uuid5

import msgspec
import psycopg
from pydantic import ValidationError

import commands as _commands  # noqa: F401  # fills the registry
from commands.bus import Bus
from commands.desk import Actor, Ask
from commands.registry import COMMANDS
from domain.kernel import Refused
from event_store.dead_letters import Message, Why
from event_store.keys import PersonalDataLocked
from event_store.store import ClaimTaken, Conflict, KeyReused, TooBusy, Unavailable

MESSAGE_BYTES_MAX = 1_000_000
"""Of one command, as over HTTP."""
ERRORS_MAX = 20
"""The most wrong fields that one reason lists."""
UNFORESEEN_TRIES_MAX = 3
"""How often a message is tried whose failure nobody foresaw."""

PASSING = (
    *(TooBusy, Unavailable, PersonalDataLocked),
    *(psycopg.OperationalError, psycopg.InterfaceError),
)
"""Failures that pass by themselves. They are no fault of the message."""

_IDS = UUID("5b0b3a0e-6c0e-5a52-9a53-0d0f1f6f7c21")
_FIELD = re.compile(r"[a-z_][a-z0-9_]{0,59}(\.[a-z0-9_-]{1,60}){0,9}", re.ASCII)
_OUR_WORDS = frozenset({"noun", "phase"})
"""Facts of refusals that are words of the program. All other texts come from a sender, and may
speak of a person."""

_log = logging.getLogger("crm.inbound")


class CannotRead(Exception):
    """The message is not a command."""

    def __init__(self, code: str, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.why = Why(code, reason, field)


def message_id(message: Message) -> UUID:
    """The id of the command that a message asks for: the same message, delivered again, asks
    for the same one.

    Raises:
        CannotRead: the id is no text.
    """
    given = _text(message, "ce_id")
    if given:
        return uuid5(_IDS, f"{message.topic}\n{_text(message, 'ce_source') or ''}\n{given}")
    # A topic that was made anew counts its messages from 0 again.
    return uuid5(_IDS, f"{message.place}/{message.sent_at.isoformat()}")


def asked(message: Message, actor: Actor) -> Ask:
    """The command that a message asks for.

    Raises:
        CannotRead: it is no JSON object, too large, or names no command.
        ValidationError: a field is wrong.
    """
    said = _object(message.value)
    name = said.pop("command", None)
    kind = COMMANDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise CannotRead("Invalid", "There is no such command.", "command")
    return Ask(
        kind.model.model_validate(said),
        actor,
        message_id(message),
        remember=True,
        source=f"kafka {message.place}",
        correlation_id=_id(message, "ce_correlationid"),
        causation_id=_id(message, "ce_causationid"),
    )


def _object(value: bytes | None) -> dict[str, Any]:
    if value is not None and len(value) > MESSAGE_BYTES_MAX:
        raise CannotRead("TooLarge", f"A message has {MESSAGE_BYTES_MAX:,} bytes at most.")
    try:
        said: dict[str, Any] = msgspec.json.decode(value or b"", type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise CannotRead("Unreadable", "The message is not a JSON object.") from None
    return said


def _text(message: Message, name: str) -> str | None:
    """The header of that name, as text."""
    value = next((value for header, value in message.headers if header == name), None)
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        raise CannotRead("Unreadable", "The header is not UTF-8.", name) from None


def _id(message: Message, name: str) -> UUID | None:
    text = _text(message, name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise CannotRead("Invalid", "The header is not a UUID.", name) from None


def read(message: Message, actor: Actor) -> Ask | Why:
    """The command that a message asks for, or why it cannot be one."""
    try:
        return asked(message, actor)
    except (CannotRead, ValidationError) as bad:
        return why(bad)


def try_alone(bus: Bus, ask: Ask) -> Exception | None:
    """Carries out one command and returns what was wrong with it, if anything was.

    Raises: ``PASSING``.
    """
    for left in reversed(range(UNFORESEEN_TRIES_MAX)):
        try:
            bus.dispatch(ask)
        except PASSING:
            raise
        except Conflict as crowd:
            raise TooBusy from crowd  # others keep changing the record
        except (Refused, ClaimTaken, KeyReused) as no:
            return no
        except Exception as error:  # noqa: BLE001  # one message must not stop those after it
            if not left:
                return error
        else:
            return None
    raise AssertionError("unreachable")


def carry_out(bus: Bus, message: Message, actor: Actor) -> Why | None:
    """Carries out one message and returns why that was not possible, if it was not.

    Raises: ``PASSING``.
    """
    ask = read(message, actor)
    if isinstance(ask, Why):
        return ask
    error = try_alone(bus, ask)
    return why(error) if error else None


def why(error: Exception) -> Why:
    """Why a message is not carried out, in words that speak of nobody."""
    match error:
        case CannotRead():
            return error.why
        case ValidationError():
            return _wrong_fields(error)
        case Refused():
            return Why(error.code, _impersonal(error), error.field)
        case ClaimTaken():
            return Why("Taken", f"This {error.kind} belongs to another record.", error.kind)
        case KeyReused():
            reason = "A message with the same id was carried out before, with other content."
            return Why("KeyReused", reason, "ce_id")
        case _:
            reference = secrets.token_hex(6)
            _log.error("a message failed, reference %s", reference, exc_info=error)
            reason = f"This failed for a reason that nobody foresaw ({type(error).__name__})."
            return Why("Failed", f"{reason} The program's log names it under {reference}.")


def _wrong_fields(bad: ValidationError) -> Why:
    found = []
    for error in bad.errors(include_input=False)[:ERRORS_MAX]:
        place = ".".join(map(str, error["loc"]))
        field = place if _FIELD.fullmatch(place) else None  # a name that is none may be anything
        found.append((field, error["msg"].removeprefix("Value error, ").rstrip(".")))
    reason = "; ".join(f"{field}: {text}" if field else text for field, text in found)
    return Why("Invalid", f"{reason}.", found[0][0])


def _impersonal(no: Refused) -> str:
    """The refusal's sentence without what a sender has written."""
    told = {
        name: fact if name in _OUR_WORDS or isinstance(fact, int | UUID) else "…"
        for name, fact in no.facts.items()
    }
    return (no.__doc__ or no.code).format_map(told)

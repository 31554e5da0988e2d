"""Errors as one line for the person at the terminal."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import click
import psycopg
from psycopg_pool import PoolTimeout
from pydantic import ValidationError

from event_store.store import ClaimTaken, Conflict, KeyReused

ROOMS = frozenset({"api", "commands", "domain", "event_store", "projections", "replay"})
"""Where exceptions come from whose text is written for people."""

_log = logging.getLogger("crm.cli")


def in_words(error: Exception) -> click.ClickException:
    """What went wrong, in one line; the exit code is 1."""
    match error:
        case Conflict():
            text = f"The record is at version {error.actual}, not {error.expected}."
        case ClaimTaken():
            text = f"This {error.kind} belongs to {error.owner}."
        case KeyReused():
            text = "The same --id was sent before with other content."
        case ValidationError():
            text = "; ".join(_wrong(e) for e in error.errors())
        case psycopg.OperationalError() | psycopg.InterfaceError() | PoolTimeout():
            text = f"The database does not answer: {_one_line(error)}"
        case OSError() if error.filename:
            text = f"{error.filename}: {error.strerror}"
        case _ if type(error).__module__.partition(".")[0] in ROOMS:
            text = _one_line(error)
        case _:
            _log.debug("unforeseen", exc_info=error)
            kind = type(error).__name__
            text = f"This failed for a reason that nobody foresaw: {kind}: {_one_line(error)}"
    return click.ClickException(text)


def _wrong(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

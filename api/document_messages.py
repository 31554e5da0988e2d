"""Writes ``docs/asyncapi.json``: what goes in and out through Kafka, as AsyncAPI 3.

``python -m api.document_messages``
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from pydantic.json_schema import models_json_schema

import commands as _commands  # noqa: F401  # fills the registry
import domain as _domain  # noqa: F401  # fills the catalogue
from api.messages import MESSAGE_BYTES_MAX
from commands.registry import COMMANDS, CommandType
from domain.kernel import CATALOGUE, EventType
from event_store.topics import events_topic, inbound_group, inbound_topic

ASYNCAPI_JSON = Path(__file__).resolve().parents[1] / "docs" / "asyncapi.json"
ASYNCAPI = "3.0.0"
_REF = "#/components/schemas/{}"
Described = dict[str, Any]

INBOUND = (
    f"Commands. A message is one JSON object of at most {MESSAGE_BYTES_MAX:,} bytes: the name of a"
    " command and its fields. Messages of one key are carried out in their order; one that is"
    " refused is kept as a dead letter, and those of its key wait behind it. The same id, sent"
    " again, has no second effect."
)
EVENTS = (
    "The log in its order, at least once, as CloudEvents in binary mode. The key of a stream's"
    " messages never changes: it is the first contact, account or lead that the stream concerned,"
    " else the stream. Whoever reads drops what they have seen, by ce_position. Personal fields"
    " are not in it."
)


@cache
def asyncapi() -> Described:
    """The document. It is the same for every workspace."""
    commands, schemas = _commands_in()
    events, more = _events_out()
    messages = {**commands, **events}
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Rapport",
            "version": "1",
            "description": "A CRM whose database is its history.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "inbound": _channel(inbound_topic("{workspace}"), INBOUND, list(commands)),
            "events": _channel(events_topic("{workspace}"), EVENTS, list(events)),
        },
        "operations": {
            "carryOut": {
                "action": "receive",
                "channel": {"$ref": "#/channels/inbound"},
                "bindings": {
                    "kafka": {
                        "groupId": {"type": "string", "enum": [inbound_group("{workspace}")]},
                        "bindingVersion": "0.5.0",
                    }
                },
            },
            "publish": {"action": "send", "channel": {"$ref": "#/channels/events"}},
        },
        "components": {
            "messages": messages,
            "schemas": {**schemas, **more, **_HEADERS},
        },
    }


def _channel(address: str, description: str, messages: list[str]) -> Described:
    return {
        "address": address,
        "description": description,
        "parameters": {
            "workspace": {"description": "The name of the log in Kafka.", "default": "main"}
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _commands_in() -> tuple[Described, Described]:
    """Messages and schemas of the commands. The schemas are those that HTTP takes, with the
    name of the command in them."""
    models = [(kind.model, "validation") for kind in COMMANDS.values()]
    refs, found = models_json_schema(models, ref_template=_REF.format("{model}"))  # type: ignore[arg-type]
    schemas = dict(found["$defs"])
    messages = {}
    for kind in COMMANDS.values():
        ref = refs[kind.model, "validation"]["$ref"]
        name = ref.rpartition("/")[2]
        schemas[name] = _named(kind, schemas[name])
        messages[kind.name] = _message(kind.name, kind.title, ref, "CommandHeaders")
    return messages, schemas


def _named(kind: CommandType, schema: Described) -> Described:
    properties = {"command": {"const": kind.name}, **schema["properties"]}
    required = ["command", *schema.get("required", [])]
    return {**schema, "properties": properties, "required": required}


def _events_out() -> tuple[Described, Described]:
    """Messages and schemas of the events, without what is personal."""
    kinds = [CATALOGUE[name] for name in sorted(CATALOGUE)]
    refs, schemas = msgspec.json.schema_components(
        [kind.cls for kind in kinds], ref_template=_REF.format("{name}")
    )
    messages = {}
    for kind, ref in zip(kinds, refs, strict=True):
        name = ref["$ref"].rpartition("/")[2]
        schemas[name] = _impersonal(kind, schemas[name])
        messages[kind.name] = _message(kind.topic, kind.summary, ref["$ref"], "EventHeaders")
    return messages, schemas


def _impersonal(kind: EventType, schema: Described) -> Described:
    personal = frozenset(kind.personal_fields)
    properties = {n: it for n, it in schema["properties"].items() if n not in personal}
    required = [name for name in schema["required"] if name not in personal]
    return {**schema, "properties": properties, "required": required}


def _message(name: str, summary: str, payload: str, headers: str) -> Described:
    return {
        "name": name,
        "summary": summary,
        "contentType": "application/json",
        "headers": {"$ref": _REF.format(headers)},
        "payload": {"$ref": payload},
    }


def _texts(described: dict[str, str], *, uuids: tuple[str, ...] = ()) -> Described:
    return {
        name: {"type": "string", "description": text}
        | ({"format": "uuid"} if name in uuids else {})
        for name, text in described.items()
    }


_HEADERS: Described = {
    "CommandHeaders": {
        "type": "object",
        "properties": _texts(
            {
                "ce_id": "The message's id. Without it the place in the topic is the id.",
                "ce_source": "Who gave the id; the same id from another source is another one.",
                "ce_correlationid": "What the command is part of.",
                "ce_causationid": "The command that caused it.",
            },
            uuids=("ce_correlationid", "ce_causationid"),
        ),
    },
    "EventHeaders": {
        "type": "object",
        "properties": _texts(
            {
                "ce_specversion": "1.0",
                "ce_id": "workspace/stream/version",
                "ce_source": "crm/workspace",
                "ce_type": "The event's name and version: opportunity.won/1",
                "ce_time": "When it was true.",
                "ce_position": "Its place in the log, dense and from 1.",
            }
        ),
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_position"],
    },
}


def asyncapi_json() -> str:
    """The document as it is written to the file."""
    return json.dumps(asyncapi(), indent=2, ensure_ascii=False, sort_keys=False) + "\n"


if __name__ == "__main__":
    ASYNCAPI_JSON.write_text(asyncapi_json(), encoding="utf-8")

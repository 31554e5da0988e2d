"""The description of the messages: complete, valid in its structure, as it is in the docs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.document_messages import (
    ASYNCAPI_JSON,
    _commands_in,
    _events_out,
    asyncapi,
    asyncapi_json,
)
from commands.registry import COMMANDS
from domain.kernel import CATALOGUE

DOCUMENT = asyncapi()
DIALECT = {"$defs", "prefixItems", "unevaluatedProperties", "definitions"}
"""Words that JSON Schema draft 07, which AsyncAPI builds on, lacks or has elsewhere."""


def parts(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for below in part.values() if isinstance(part, dict) else part:
        if isinstance(below, dict | list):
            yield from parts(below)


def resolved(reference: str) -> Any:
    assert reference.startswith("#/")
    found: Any = DOCUMENT
    for step in reference[2:].split("/"):
        found = found[step]
    return found


def test_the_file_is_as_the_program_says() -> None:
    assert ASYNCAPI_JSON.read_text("utf-8") == asyncapi_json()


def test_every_command_comes_in_and_every_event_goes_out() -> None:
    channels = DOCUMENT["channels"]
    assert channels["inbound"]["messages"].keys() == COMMANDS.keys()
    assert channels["events"]["messages"].keys() == CATALOGUE.keys()
    assert not _commands_in()[1].keys() & _events_out()[1].keys()


def test_it_has_the_structure_of_asyncapi_3() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    for channel in DOCUMENT["channels"].values():
        assert channel["address"].count("{workspace}") == 1
        assert channel["parameters"].keys() == {"workspace"}
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert "address" in resolved(operation["channel"]["$ref"])
    for message in DOCUMENT["components"]["messages"].values():
        for part in ("headers", "payload"):
            assert resolved(message[part]["$ref"])["type"] == "object"


def test_every_reference_leads_somewhere() -> None:
    for part in parts(DOCUMENT):
        if isinstance(part.get("$ref"), str):
            assert resolved(part["$ref"]) is not None


def test_schemas_are_in_the_dialect() -> None:
    for part in parts(DOCUMENT["components"]["schemas"]):
        assert not DIALECT & part.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_s_schema_names_it_and_all_its_fields(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    schema = resolved(message["payload"]["$ref"])
    assert schema["properties"]["command"] == {"const": name}
    assert "command" in schema["required"]
    assert schema["properties"].keys() - {"command"} == COMMANDS[name].model.model_fields.keys()


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_no_event_s_schema_names_what_is_personal(name: str) -> None:
    kind = CATALOGUE[name]
    schema = resolved(DOCUMENT["components"]["messages"][name]["payload"]["$ref"])
    fields = set(kind.cls.__struct_encode_fields__)
    assert schema["properties"].keys() == fields - set(kind.personal_fields)


def test_it_is_served_to_those_who_may(client: httpx.Client, stranger: httpx.Client) -> None:
    answer = client.get("/asyncapi.json")
    assert answer.status_code == 200
    assert answer.json() == json.loads(asyncapi_json())
    assert stranger.get("/asyncapi.json").status_code == 401

"""The compose file names only what the program knows: variables, roles, options, ports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from api.cli import main
from api.settings import variables

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {
    name: service for name, service in COMPOSE["services"].items() if service.get("build") == "."
}
FOREIGN = {name: service for name, service in COMPOSE["services"].items() if name not in OURS}


def parsed(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """A call of the CLI, taken apart by the CLI itself."""
    program, *rest = arguments
    assert program == "crm"
    context = main.make_context("crm", list(rest))
    name, command, left = main.resolve_command(context, context._protected_args + context.args)
    assert isinstance(command, click.Command)
    return name or "", command.make_context(name, list(left), parent=context).params


def test_the_program_is_there_in_several_roles() -> None:
    assert {"web", "runner", "relay", "inbound"} <= OURS.keys()


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_command_is_one_of_the_cli(name: str) -> None:
    command, params = parsed(OURS[name]["command"])
    assert (command, params["role"]) == ("serve", name)


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_variable_is_read(name: str) -> None:
    assert set(OURS[name]["environment"]) <= variables()


@pytest.mark.parametrize("name", sorted(OURS))
def test_no_secret_has_a_default(name: str) -> None:
    for variable in ("CRM_TOKEN", "CRM_CLAIM_KEY"):
        value = OURS[name]["environment"][variable]
        assert value.startswith(f"${{{variable}:?")


def test_the_web_role_listens_where_the_port_leads() -> None:
    _, params = parsed(OURS["web"]["command"])
    published = OURS["web"]["ports"]
    assert [port.rpartition(":")[2] for port in published] == [str(params["port"])]
    assert params["host"] == "0.0.0.0"  # noqa: S104


def test_health_checks_ask_addresses_that_are_open() -> None:
    from api.http.access import OPEN_PATHS

    _, params = parsed(OURS["web"]["command"])
    check = " ".join(OURS["web"]["healthcheck"]["test"])
    assert any(f"http://127.0.0.1:{params['port']}{path}" in check for path in OPEN_PATHS)


def test_the_addresses_of_services_name_services() -> None:
    environment = OURS["web"]["environment"]
    assert "@postgres:5432/" in environment["DATABASE_URL"]
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9092"
    assert {"postgres", "kafka"} <= FOREIGN.keys()
    listeners = FOREIGN["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert "kafka:9092" in listeners


def test_volumes_and_needs_are_defined() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in COMPOSE["volumes"]
        assert service.get("depends_on", {}).keys() <= COMPOSE["services"].keys()


def test_the_data_folder_is_on_a_volume() -> None:
    for service in OURS.values():
        folder = service["environment"]["CRM_DATA"]
        assert any(volume.endswith(f":{folder}") for volume in service["volumes"])


def test_the_image_runs_a_command_of_the_cli() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    command = yaml.safe_load(next(line for line in lines if line.startswith("CMD "))[4:])
    name, params = parsed(command)
    exposed = next(line for line in lines if line.startswith("EXPOSE ")).split()[1]
    assert (name, str(params["port"])) == ("serve", exposed)
    named = next(line for line in lines if line.startswith("ENV ")).split()[1:]
    ours = {pair.partition("=")[0] for pair in named if pair.startswith("CRM_")}
    assert ours <= variables()

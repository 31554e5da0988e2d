"""``crm do``: one command of the CLI for each command there is, made from the command itself."""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import UUID, uuid5

import click
from pydantic import ValidationError

import commands as _commands  # noqa: F401  # fills the registry
from api.cli.common import data_option, settings, workspace
from api.cli.errors import in_words
from commands.desk import Actor, Ask, Outcome
from commands.registry import COMMANDS, Command, CommandType
from domain.kernel import new_id

_KEYS = UUID("0d5a1f3c-8c2b-5a57-9a83-6f2c3e3b7d10")
HELP_COLUMN = 18


class Do(click.Group):
    """Its commands are the command registry."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        kind = COMMANDS.get(cmd_name)
        return _command(kind) if kind else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].title) for name in self.list_commands(ctx)])


def _list(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        for name in sorted(COMMANDS):
            click.echo(f"{name:<28}{COMMANDS[name].title}")
        ctx.exit()


@click.group("do", cls=Do, no_args_is_help=True)
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="Name them all."
)
@data_option
def do_command() -> None:
    """Carry out one command: crm do rename-pipeline pipeline=ID name="New business"."""


def _command(kind: CommandType) -> click.Command:
    return click.Command(
        kind.name,
        callback=_callback(kind),
        help=_help(kind),
        short_help=kind.title,
        params=[
            click.Argument(["fields"], nargs=-1, metavar="[FIELD=VALUE]..."),
            click.Option(["--json", "file"], type=click.File("rb"), help="The fields, as JSON."),
            click.Option(["--id", "key"], help="The same id, sent again, does nothing new."),
            click.Option(["--if-match", "expected"], type=click.IntRange(0), help="The version."),
            click.Option(["--format", "form"], type=click.Choice(["text", "json"]), default="text"),
        ],
    )


def _callback(kind: CommandType) -> Any:
    def carry_out(
        fields: tuple[str, ...], file: Any, key: str | None, expected: int | None, form: str
    ) -> None:
        said = _from_json(file) if file else {}
        command = _asked(kind, said | _pairs(kind, fields))
        actor = Actor(settings().actor)
        ask = Ask(
            command,
            actor,
            uuid5(_KEYS, f"{actor.id}\n{key}") if key else new_id(),
            remember=key is not None,
            expected=expected,
            source="cli",
        )
        with workspace() as opened:
            outcome = opened.bus.dispatch(ask)
        _show(outcome, form)

    return carry_out


def _asked(kind: CommandType, said: dict[str, Any]) -> Command:
    try:
        return kind.model.model_validate(said)
    except ValidationError as bad:
        raise click.UsageError(in_words(bad).message) from None


def _from_json(file: Any) -> dict[str, Any]:
    try:
        said = json.load(file)
    except (ValueError, RecursionError):
        raise click.UsageError("What --json names is not valid JSON.") from None
    if not isinstance(said, dict):
        raise click.UsageError("What --json names is not a JSON object.")
    return said


def _pairs(kind: CommandType, fields: tuple[str, ...]) -> dict[str, Any]:
    """``name=value`` arguments; lists and objects are written as JSON."""
    said: dict[str, Any] = {}
    for pair in fields:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"{pair!r} is not of the form field=value.")
        if name not in kind.model.model_fields:
            raise click.UsageError(f"{kind.name} has no field {name!r}.")
        said[name] = _value(name, value)
    return said


def _value(name: str, value: str) -> Any:
    if not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise click.UsageError(f"{name} is not valid JSON.") from None


def _help(kind: CommandType) -> str:
    lines = [kind.title, "", "\b", "Fields:"]
    schema = kind.model.model_json_schema()
    required = set(schema.get("required", ()))
    for name, described in schema["properties"].items():
        lines.append(f"  {name:<{HELP_COLUMN}}{_about(described, required=name in required)}")
    return "\n".join(lines)


def _about(schema: dict[str, Any], *, required: bool) -> str:
    said = schema.get("description")
    need = "required" if required else "optional"
    return f"{need}, {_word(schema)}" + (f": {said}" if said else "")


def _word(schema: dict[str, Any]) -> str:
    """The type of a field, in a word or two."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    words = [_WORDS.get(kind.get("format") or kind.get("type", ""), "") for kind in kinds]
    if "enum" in kinds[0]:
        return " | ".join(map(str, kinds[0]["enum"]))
    # A decimal is described as a number or a text; it is the number that is meant.
    return next((word for word in words if word), "JSON")


_WORDS = {
    "uuid": "id",
    "date": "day",
    "date-time": "moment with its zone",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list (JSON)",
    "object": "object (JSON)",
}


def _show(outcome: Outcome, form: str) -> None:
    if form == "json":
        body = {
            "position": outcome.position,
            "stream": str(outcome.stream) if outcome.stream else None,
            "version": outcome.version,
            "events": list(outcome.events),
            "repeated": outcome.repeated,
        }
        click.echo(json.dumps(body))
        return
    done = ", ".join(outcome.events) or "nothing to do"
    again = " (done before)" if outcome.repeated else ""
    click.echo(f"{done}{again}")
    click.echo(f"{outcome.stream} version {outcome.version}, position {outcome.position}")
    sys.stdout.flush()

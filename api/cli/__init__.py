"""``crm``: everything that can be done from a terminal."""

from __future__ import annotations

import logging
import signal
from importlib import import_module
from pathlib import Path
from typing import Any

import click

PARTS = {
    "serve": ("serving", "Serve the pages and the API."),
    "witness": ("seals", "Cosign the seals of other logs."),
    "demo": ("demo", "Make a demo company and serve it."),
    "import": ("importing", "Import files by a mapping."),
    "do": ("doing", "Carry out one command, such as open-opportunity."),
    "query": ("asking", "Ask the log in SQL."),
    "metric": ("asking", "Compute a named metric."),
    "schema": ("asking", "Show what can be queried."),
    "history": ("past", "Show what happened to a record."),
    "log": ("past", "Show the log."),
    "rebuild": ("views", "Fold views anew from the log."),
    "verify": ("seals", "Verify the whole log, or a bundle of evidence."),
    "evidence": ("evidence", "Hand out a record's history, or all that is known of a person."),
    "erase": ("privacy", "Forget a person for good."),
    "keys": ("privacy", "Rotate the keys, or show how they stand."),
    "relay": ("relaying", "Publish the log to Kafka again."),
    "dead-letters": ("dead_letters", "Show, retry or drop messages that were refused."),
    "status": ("views", "Show how far everything has come."),
}
"""Each command's module and sentence: ``crm --help`` must not have to load them all."""


class Crm(click.Group):
    """Loads a command when it is asked for, and says what went wrong in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(PARTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in PARTS:
            return None
        module = import_module(f"api.cli.{PARTS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in PARTS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, EOFError):
            raise
        except BrokenPipeError:
            raise  # whoever read our output has seen enough; click ends quietly
        except Exception as error:  # noqa: BLE001  # people get a line, not a traceback
            raise _in_words(error) from None


def _in_words(error: Exception) -> click.ClickException:
    from api.cli.errors import in_words  # loaded only where something went wrong

    return in_words(error)


@click.group(
    cls=Crm,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder (default: $CRM_DATA or ./data). DATABASE_URL names another database.",
)
@click.version_option(package_name="rapport", prog_name="crm")
@click.pass_context
def main(ctx: click.Context, data: Path | None) -> None:
    """A CRM whose database is its history."""
    ctx.obj = {"data": data}
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # To be ended is to be interrupted: what was opened is closed.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")

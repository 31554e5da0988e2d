"""``crm relay``: what the relay shall do beside going on."""

from __future__ import annotations

import click
import psycopg

from api.cli.common import data_option, workspace
from event_store.relay_progress import replay_from
from event_store.schema import app_dsn
from event_store.topics import events_topic


@click.group("relay", no_args_is_help=True)
@data_option
def relay_command() -> None:
    """The relay of the log to Kafka. crm serve --role relay runs it."""


@relay_command.command("replay")
@click.option(
    "--from", "position", required=True, type=click.IntRange(1), help="The first event to publish."
)
@data_option
def replay_command(position: int) -> None:
    """Publish the log again from a position. Consumers see those events a second time."""
    with workspace() as opened:
        head = opened.store.head()
        if position > head + 1:
            raise click.UsageError(f"The log is at position {head:,}.")
        topic = events_topic(opened.settings.workspace)
        with psycopg.connect(app_dsn(opened.dsn), autocommit=True) as conn:
            replay_from(conn, topic, position)
    click.echo(f"The relay publishes to {topic} again from position {position:,}.")

"""``crm evidence``: a record's history for an auditor, or all that is known of a person."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from api.cli.common import data_option
from api.cli.privacy import hand_out
from api.cli.seals import since_option, write_bundle
from api.nouns import VIEW_OF


@click.command("evidence")
@click.argument("noun", type=click.Choice(sorted(VIEW_OF)))
@click.argument("record", metavar="ID", type=click.UUID)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write, or, for an auditor, a file that ends in .zip.",
)
@since_option
@click.option("--leaves", is_flag=True, help="Add the hash of every event of the log (V7).")
@click.option("--personal", is_flag=True, help="For the contact themselves: all in the clear.")
@click.option("--request", help="With --personal: what the request is filed under. No names.")
@data_option
def evidence_command(
    noun: str,
    record: UUID,
    output: Path,
    since: Path | None,
    leaves: bool,
    personal: bool,
    request: str | None,
) -> None:
    """Write a record's history for an auditor, to be verified offline.

    With --personal: what is known of a contact, for them to read, as JSON and as a page. It is
    noted in the log that this was handed out.
    """
    if not personal:
        if request is not None:
            raise click.UsageError("--request goes with --personal.")
        write_bundle(noun, record, output, since, leaves)
        return
    if noun != "contact" or since is not None or leaves:
        raise click.UsageError("--personal is for a contact, without --since and --leaves.")
    hand_out(record, output, request)

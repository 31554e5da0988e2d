"""``crm erase`` and ``crm keys``: what is kept of people, and what is not."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from api.cli.common import data_option, settings, workspace
from api.export import subject_export, write_export
from api.main import Workspace
from commands.desk import Actor, Ask, Decided
from commands.privacy import EraseContact, EraseLead, ExportContact
from domain.erasure import ErasureDetails
from event_store.keys import PersonalDataLocked
from projections.kit import VIEWS
from replay import erasure


@click.command("erase")
@click.argument("noun", type=click.Choice(("contact", "lead")))
@click.argument("person", metavar="ID", type=click.UUID)
@click.option("--reason", "ground", required=True, help="The legal ground. It is kept: no names.")
@click.option("--request", help="What the request is filed under. It is kept: no names.")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and leave it.")
@data_option
def erase_command(noun: str, person: UUID, ground: str, request: str | None, dry_run: bool) -> None:
    """Forget a person for good: crm erase contact ID --reason "GDPR Art. 17(1)(b)"."""
    command = (
        EraseContact(contact=person, ground=ground, request=request)
        if noun == "contact"
        else EraseLead(lead=person, ground=ground, request=request)
    )
    ask = Ask(command, Actor(settings().actor), source="cli")
    with workspace() as opened:
        (decided,) = opened.bus.preview([ask])
        if not isinstance(decided, Decided):
            raise decided
        _tell(decided, dry_run=dry_run)
        if not dry_run:
            opened.bus.dispatch(ask)
            _complete(opened)


def _tell(decided: Decided, *, dry_run: bool) -> None:
    facts = [(w.stream, e) for w in decided.entry.writes for e in w.events]
    for stream, fact in facts:
        if isinstance(fact, ErasureDetails):
            noun = fact.__event__.noun
            verb = "would be" if dry_run else "is"
            click.echo(
                f"The {noun} {stream} {verb} erased: {fact.facts} facts concern them, "
                f"{len(fact.fingerprints)} keys {'would be' if dry_run else 'are'} destroyed."
            )
    if not facts:
        click.echo("This person was erased before.")


def _complete(opened: Workspace) -> None:
    """Also what an earlier run left undone."""
    for done in erasure.complete(opened.store, opened.dsn, VIEWS.values()):
        reached = ", ".join(f"{it.store}: {it.count}" for it in done.stores if it.count)
        click.echo(f"Certified: the {done.noun} {done.person} ({reached}).")
    click.echo(
        "Nothing of it can be read here any more. Copies in backups and in the database's own "
        "log stay closed for ever after the next `crm keys rotate`."
    )


def hand_out(person: UUID, folder: Path, request: str | None) -> None:
    """Writes what is known of a contact into a folder, and notes it in the log."""
    with workspace() as opened:
        export = subject_export(opened.store, person)
        noted = ExportContact(contact=person, facts=len(export.history), request=request)
        opened.bus.dispatch(Ask(noted, Actor(settings().actor), source="cli"))
    for file in write_export(export, folder):
        click.echo(str(file))


@click.group("keys", no_args_is_help=True)
@data_option
def keys_command() -> None:
    """Rotate the keys, or show how they stand."""


@keys_command.command("rotate")
@data_option
def rotate() -> None:
    """Wrap every key anew, and destroy what wrapped them before."""
    with workspace() as opened:
        done = erasure.rotate(opened.store, settings().actor)
    click.echo(f"{done.keys} keys are wrapped under epoch {done.epoch} now.")
    if done.retired:
        gone = ", ".join(map(str, done.retired))
        click.echo(f"Destroyed: epoch {gone}. What was wrapped under it is closed for ever.")
    elif settings().kek is not None:
        click.echo("Take the older epochs out of CRM_KEK now, wherever it is kept.")


@keys_command.command("status")
@data_option
def status() -> None:
    """Show which epoch wraps how many keys, and how many people were erased."""
    with workspace() as opened:
        counts, why = opened.store.keys.counts(), opened.store.keys.check()
        waiting = len(erasure.pending(opened.store))
    for epoch, count in counts.epochs.items():
        click.echo(f"epoch {epoch}: {count} keys")
    click.echo(f"erased: {counts.fences}, not certified yet: {waiting}")
    if why is not None:
        raise PersonalDataLocked(why=why)

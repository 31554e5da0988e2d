"""``crm verify`` and ``crm witness``: seals, and who checks them."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

import click

from api.cli.common import Line, bring_views_up, data_option, settings, workspace
from api.cli.output import rows_options, show
from api.main import Workspace
from api.seals import known_log_key, sealer_of, seals_folder, witnesses
from api.settings import Settings, Unusable
from event_store.seals.keys import LOG, WITNESS, VerifierKey
from event_store.seals.reasons import NotWitnessed, Unsound
from event_store.seals.sealer import MERGE_DELAY_SECONDS_MAX, seal_status
from event_store.seals.tile_store import TileFolder
from replay.evidence import verify as verifier
from replay.evidence.bundle import Evidence, NothingToShow, Pinned
from replay.rebuild import rebuild
from replay.verify import Finding, Verdict, verify_log, verify_segments

WITNESS_PORT = 8001

EXISTING = click.Path(exists=True, path_type=Path)

since_option = click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The checkpoint that was kept from an earlier audit.",
)


class NotProved(click.ClickException):
    """Something does not hold."""


@click.command("verify")
@click.argument("bundle", type=EXISTING, required=False)
@since_option
@click.option("--log-key", "log_keys", multiple=True, help="A key of the log, to verify by.")
@click.option("--witness", "witness_keys", multiple=True, help="A key of a witness.")
@click.option("--quorum", type=click.IntRange(0), help="How many of them have to have signed.")
@click.option("--views/--no-views", default=True, help="Compare views with their rebuild, too.")
@rows_options
@data_option
def verify_command(
    bundle: Path | None,
    since: Path | None,
    log_keys: tuple[str, ...],
    witness_keys: tuple[str, ...],
    quorum: int | None,
    views: bool,
    form: str,
    output: Path | None,
) -> None:
    """Verify the whole log, or a bundle of evidence. Exit code 1 if anything does not hold.

    Without BUNDLE, every stored event is compared with the seals, each sealed segment with its
    hash, and every view with its rebuild. The keys are those of this installation unless given.
    """
    chosen = settings()
    pinned = _pinned(chosen, log_keys, witness_keys, quorum)
    if bundle is not None:
        _verify_bundle(bundle, pinned, since)
        return
    with workspace() as opened:
        verdict = _verify_log(opened, pinned, since)
        verdict.findings += verify_segments(chosen.data / "archive")
        if views:
            verdict.findings += _check_views(opened)
    rows = [(it.position, it.reason, it.text) for it in verdict.findings]
    if rows or form != "table":
        show(("position", "reason", "what"), rows, form, output)
    if not verdict.holds:
        first = min((it.position for it in verdict.findings if it.position), default=None)
        where = f" The first bad position is {first}." if first else ""
        raise NotProved(f"{len(rows)} findings.{where}")
    seen = ", ".join(verdict.witnesses) or "nobody: no witness has cosigned"
    click.echo(
        f"{verdict.size:,} of {verdict.head:,} events are sealed and unchanged."
        f" Witnessed by {seen}.",
        err=True,
    )


def _pinned(
    chosen: Settings, logs: tuple[str, ...], given: tuple[str, ...], quorum: int | None
) -> list[Pinned]:
    """The keys to verify by, one for each key of the log: those given, else our own."""
    try:
        keys = [VerifierKey.parse(text) for text in logs]
        others = [VerifierKey.parse(text) for text in given]
    except Unsound as bad:
        raise click.UsageError(f"A key cannot be used: {bad}.") from None
    if any(it.kind != LOG for it in keys) or any(it.kind != WITNESS for it in others):
        raise click.UsageError("A key of a log stands where one of a witness belongs.")
    if not keys:
        own = known_log_key(chosen)
        if own is None:
            raise Unusable("There is no key of the log: --log-key names one.")
        keys = [own.verifier]
    if not given:
        others = [it.key for it in witnesses(chosen)]
        quorum = chosen.witness_quorum if quorum is None else quorum
    needed = len(others) if quorum is None else quorum
    return [Pinned(key, tuple(others), needed) for key in keys]


def _verify_bundle(bundle: Path, pinned: list[Pinned], since: Path | None) -> None:
    first = pinned[0]
    logs = [verifier.key_of(it.log.text, LOG) for it in pinned]
    others = [verifier.key_of(it.text, WITNESS) for it in first.witnesses]
    with tempfile.TemporaryDirectory() as folder:
        try:
            files = verifier.load(_unpacked(bundle, Path(folder)))
            for line in verifier.verify(files, logs, others, first.quorum, since):
                click.echo(line)
        except verifier.Refused as no:
            raise NotProved(": ".join(map(str, no.args))) from None
        except (ValueError, LookupError, TypeError) as no:
            raise NotProved(f"Unreadable: {no}") from None


def _unpacked(bundle: Path, folder: Path) -> Path:
    if bundle.is_dir():
        return bundle
    with ZipFile(bundle) as packed:
        names = packed.namelist()
        if len(set(names)) < len(names):
            raise verifier.Refused("DuplicateFile", "a file is in it twice")
        packed.extractall(folder)
    return folder


def _verify_log(opened: Workspace, pinned: list[Pinned], since: Path | None) -> Verdict:
    """By the key that has signed, where several are known."""
    line = Line()
    verdicts = [
        verify_log(
            opened.dsn,
            TileFolder(seals_folder(opened.settings)),
            it.log,
            it.witnesses,
            quorum=it.quorum,
            since=since.read_bytes() if since else None,
            progress=lambda at, of: line.show(f"{at:,} of {of:,} events"),
        )
        for it in pinned
    ]
    line.end()
    return min(verdicts, key=lambda verdict: len(verdict.findings))


def _check_views(opened: Workspace) -> list[Finding]:
    bring_views_up(opened)
    return [
        Finding("ViewDiffers", f"{it.view}: {it.error or f'{it.differences} rows differ'}")
        for it in rebuild(opened.store, opened.dsn, check=True)
        if it.error or it.differences
    ]


def write_bundle(noun: str, record: UUID, output: Path, since: Path | None, leaves: bool) -> None:
    """Writes the bundle of a record: its events and those of each record with an event that
    concerns it, as they are stored, with a program that verifies them without this one."""
    if output.exists():
        raise click.UsageError(f"{output} is there already.")
    earlier = since.read_bytes() if since else None
    with workspace() as opened, tempfile.TemporaryDirectory() as spare:
        _seal_now(opened)
        pinned = _pinned(opened.settings, (), (), None)[0]
        evidence = Evidence(opened.dsn, TileFolder(seals_folder(opened.settings)), pinned)
        zipped = output.suffix == ".zip"
        folder = Path(spare) / "bundle" if zipped else output
        try:
            written = evidence.write(folder, record, since=earlier, leaves=leaves)
        except NothingToShow:
            raise click.ClickException(f"There is no such {noun} among what is sealed.") from None
        if zipped:
            _zip(folder, output)
    click.echo(
        f"{written.events:,} events of {written.streams:,} records, complete up to position"
        f" {written.position:,} of {written.size:,}. Verify it by the key"
        f"\n{pinned.log.text}",
        err=True,
    )


def _seal_now(opened: Workspace) -> None:
    """Lets what is stored by now be sealed: here, or by the program that does so anyway."""
    try:
        if sealer_of(opened).seal():
            return
    except NotWitnessed as silent:
        click.echo(f"Only what is sealed already is shown: {silent}.", err=True)
        return
    until = time.monotonic() + MERGE_DELAY_SECONDS_MAX
    while seal_status(opened.store, opened.dsn).lag and time.monotonic() < until:
        time.sleep(0.1)


def _zip(folder: Path, file: Path) -> None:
    draft = file.with_name(f".{file.name}.draft")
    with ZipFile(draft, "w", ZIP_DEFLATED) as packed:
        for it in sorted(folder.rglob("*")):
            if it.is_file():
                packed.write(it, it.relative_to(folder).as_posix())
    draft.replace(file)
    shutil.rmtree(folder)


@click.command("witness")
@click.option("--log", "logs", multiple=True, metavar="KEY", help="The key of a log to cosign.")
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=WITNESS_PORT, show_default=True)
@data_option
def witness_command(logs: tuple[str, ...], host: str | None, port: int) -> None:
    """Cosign the seals of other logs until stopped (Ctrl-C, SIGTERM).

    A witness keeps the last checkpoint of each log that it knows and cosigns the next one only
    if that one begins with it. Run it on another machine, with another person in charge.
    """
    from api.cli.serving import serve_witness  # the web server is loaded only where it is needed

    serve_witness(settings(host=host, port=port), logs)

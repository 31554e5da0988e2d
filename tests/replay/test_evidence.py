"""Evidence: what an auditor with nothing but a bundle and the keys can tell, and cannot be told."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from domain.kernel import new_id
from domain.seals import SEALS
from event_store.postgres import PostgresEventStore
from event_store.seals.checkpoints import Checkpoint, cosign, open_checkpoint
from event_store.seals.keys import LOG, SignerKey
from event_store.seals.merkle import Tree, leaf_hash
from event_store.seals.notes import Note, sign
from event_store.seals.reasons import HeadsDiffer, LogDiffers, NotConsistent, SealsMissing
from event_store.seals.tile_store import TileFolder
from replay.evidence import verify as verifier
from replay.evidence.bundle import VERIFIER, Evidence, NothingToShow, Pinned
from tests.event_store.entries import entry, opened, renamed
from tests.event_store.seals.sealed import (
    LOG_KEY,
    ORIGIN,
    WITNESS_KEY,
    as_superuser,
    fill,
    sealer,
)

LOGS = [verifier.key_of(LOG_KEY.verifier.text, LOG)]
WITNESSES = [verifier.key_of(WITNESS_KEY.verifier.text, verifier.WITNESS)]
PINNED = Pinned(LOG_KEY.verifier, (WITNESS_KEY.verifier,), 1)

Files = dict[str, bytes]


def checked(folder: Path, since: Path | None = None) -> list[str]:
    """What the verifier says of a bundle, one line for each claim."""
    return list(verifier.verify(verifier.load(folder), LOGS, WITNESSES, 1, since))


def reason(folder: Path, since: Path | None = None) -> str | None:
    """The name of the reason why a bundle is refused."""
    try:
        checked(folder, since)
    except verifier.Refused as no:
        return str(no.args[0])
    except (ValueError, LookupError, TypeError, OSError):
        return "Unreadable"
    return None


def relisted(folder: Path) -> None:
    """Writes the manifest anew, as a forger would."""
    files = {it.relative_to(folder).as_posix(): it for it in folder.rglob("*") if it.is_file()}
    files.pop("manifest", None)
    lines = [f"{sha256(files[n].read_bytes()).hexdigest()}  {n}\n" for n in sorted(files)]
    (folder / "manifest").write_text("".join(lines))


def witnessed(tiles: Path) -> None:
    """Lets the witness cosign the published checkpoint."""
    store = TileFolder(tiles)
    note = Note.parse(store.checkpoint() or b"")
    checkpoint = Checkpoint.parse(note.text)
    store.publish(note.with_signatures(cosign(checkpoint, WITNESS_KEY, 1_700_000_000)).encode())


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    return tmp_path / "seals"


@pytest.fixture
def seal(store: PostgresEventStore, database: str, tiles: Path) -> Callable[[], None]:
    def do() -> None:
        note = TileFolder(tiles).checkpoint()
        if note is not None:  # a sealer goes on from its own words only
            log = Note.parse(note)
            only = Note(log.text, tuple(s for s in log.signatures if s.name == ORIGIN))
            TileFolder(tiles).publish(only.encode())
        sealer(store, database, tiles).seal()
        witnessed(tiles)

    return do


@pytest.fixture
def customer(store: PostgresEventStore, seal: Callable[[], None]) -> UUID:
    """Somebody with two deals, in a sealed log with others."""
    somebody = new_id()
    fill(store, 5)
    for _ in range(2):
        deal = new_id()
        store.append(entry(opened(deal, somebody)))
        store.append(entry(renamed(deal, 1, "Other name", "Third name")))
    store.append(entry(opened(somebody)))
    fill(store, 3)
    seal()
    return somebody


@pytest.fixture
def bundle(database: str, tiles: Path, customer: UUID, tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    Evidence(database, TileFolder(tiles), PINNED).write(folder, customer, leaves=True)
    return folder


def test_a_bundle_shows_all_that_is_claimed(bundle: Path) -> None:
    said = checked(bundle)
    assert [line.split()[0] for line in said] == ["V1", "V2", "V3", "V4", "V5", "V7", "V8"]
    assert "V5 and V6 3 records with 7 events" in said[4]
    assert said[5] == "V7 all leaves are there"


def test_the_verifier_stands_alone() -> None:
    source = VERIFIER.read_text()
    assert source.count("\n") < 300
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    others = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert others == {"cryptography"}


def test_as_a_program(bundle: Path) -> None:
    """The copy in the bundle, without the project on its path."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", bundle / "verify.py", *arguments],
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip

    keys = ("--log-key", LOG_KEY.verifier.text, "--witness", WITNESS_KEY.verifier.text)
    done = run(str(bundle), *keys)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 7
    other = SignerKey.generate(ORIGIN).verifier.text
    done = run(str(bundle), "--log-key", other)
    assert done.returncode == 1
    assert done.stdout.startswith("refused: Unsigned")
    done = run(str(bundle), "--log-key", "nonsense")
    assert done.stdout.startswith("refused: MalformedKey")
    assert run(str(bundle)).returncode == 2


def test_the_next_audit_sees_that_nothing_was_rewritten(
    store: PostgresEventStore, database: str, bundle: Path, tiles: Path, customer: UUID,
    seal: Callable[[], None], tmp_path: Path,
) -> None:  # fmt: skip
    kept = tmp_path / "kept"
    shutil.copy(bundle / "checkpoint", kept)
    assert "consistency" not in verifier.load(bundle)
    assert reason(bundle, kept) == "MissingFile"
    for round_ in range(3):
        again = tmp_path / f"again-{round_}"
        evidence = Evidence(database, TileFolder(tiles), PINNED)
        evidence.write(again, customer, since=kept.read_bytes())
        assert any(line.startswith("V4 nothing was rewritten") for line in checked(again, kept))
        fill(store, 4)
        seal()
    forged = Tree(leaf_hash(bytes([n])) for n in range(9))
    fake = sign(Checkpoint(ORIGIN, 9, forged.root()).text, LOG_KEY)
    (tmp_path / "fake").write_bytes(fake.encode())
    assert reason(again, tmp_path / "fake") == "NotConsistent"
    with pytest.raises(NotConsistent):
        Evidence(database, TileFolder(tiles), PINNED).write(
            tmp_path / "no", customer, since=fake.encode()
        )
    assert not (tmp_path / "no").exists()
    empty = sign(Checkpoint(ORIGIN, 0, sha256().digest()).text, LOG_KEY)
    (tmp_path / "fake").write_bytes(empty.encode())
    assert reason(again, tmp_path / "fake") == "NotConsistent"


# --- whatever is done to a bundle


def flips(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        yield data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


def test_every_flipped_byte_is_refused(bundle: Path) -> None:
    """Of every file. Only the hash decides, so a sample of the long ones would do; all are done."""
    for file in [it for it in bundle.rglob("*") if it.is_file() and it.name != "manifest"]:
        before = file.read_bytes()
        file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        assert reason(bundle) == "FileAltered"
        file.write_bytes(before)
    manifest = bundle / "manifest"
    before = manifest.read_bytes()
    for altered in flips(before):
        manifest.write_bytes(altered)
        assert reason(bundle) in {
            "FileAltered", "MissingFile", "MalformedManifest", "UnlistedFile"
        }  # fmt: skip
    manifest.write_bytes(before)
    assert reason(bundle) is None


SHOWING = ("checkpoint", "stream-head", "leaves", "events/", "proofs/")
"""The files that show something; the others explain."""


def showing(bundle: Path) -> list[str]:
    names = sorted(verifier.load(bundle))
    return [name for name in names if name.startswith(SHOWING)]


def forged_reason(files: Files, since: Path | None = None) -> str | None:
    """Why files are refused whose manifest the forger wrote anew."""
    try:
        list(verifier.verify(files, LOGS, WITNESSES, 1, since))
    except verifier.Refused as no:
        return str(no.args[0])
    except (ValueError, LookupError, TypeError):
        return "Unreadable"
    return None


def test_every_flipped_byte_is_refused_though_the_manifest_is_forged(bundle: Path) -> None:
    files = verifier.load(bundle)
    reasons: dict[str, set[str]] = {}
    for name in showing(bundle):
        for altered in flips(files[name]):
            why = forged_reason(files | {name: altered})
            assert why is not None, (name, altered)
            reasons.setdefault(name.partition("/")[0], set()).add(why)
    assert reasons["events"] <= {"MalformedLeaf", "WrongPlace", "NotIncluded", "MissingFile"}
    assert reasons["leaves"] == {"RootDiffers"}
    assert {"WrongSignature", "Unsigned", "NotWitnessed"} <= reasons["checkpoint"]


def test_every_file_that_is_gone_doubled_or_swapped_is_refused(bundle: Path) -> None:
    files = verifier.load(bundle)
    names = showing(bundle)
    for name in names:
        gone = {other: data for other, data in files.items() if other != name}
        if name != "leaves":  # they are extra
            assert forged_reason(gone), name
        for other in names:
            if files[name] != files[other]:
                assert forged_reason(files | {name: files[other], other: files[name]})
        if "/" in name:
            folder, _, file = name.partition("/")
            stem, _, kind = file.partition(".")
            copy = f"{folder}/{int(stem) + 500:012}.{kind}"
            assert folder == "proofs" or forged_reason(files | {copy: files[name]}), name


def test_every_line_that_is_gone_doubled_or_swapped_is_refused(bundle: Path) -> None:
    files = verifier.load(bundle)
    for name in [it for it in showing(bundle) if not it.startswith(("events/", "leaves"))]:
        lines = files[name].decode().splitlines(keepends=True)
        for at in range(len(lines)):
            for altered in (
                lines[:at] + lines[at + 1 :],
                lines[: at + 1] + lines[at:],
                lines[:at] + lines[at : at + 2][::-1] + lines[at + 2 :],
            ):
                data = "".join(altered).encode()
                if data != files[name]:
                    assert forged_reason(files | {name: data}), (name, at)


def test_every_byte_of_the_consistency_proof_counts(
    store: PostgresEventStore, database: str, tiles: Path, customer: UUID,
    seal: Callable[[], None], tmp_path: Path,
) -> None:  # fmt: skip
    fill(store, 4)
    seal()
    kept = tmp_path / "kept"
    kept.write_bytes(TileFolder(tiles).checkpoint() or b"")
    fill(store, 4)
    seal()
    Evidence(database, TileFolder(tiles), PINNED).write(
        tmp_path / "later", customer, since=kept.read_bytes()
    )
    files = verifier.load(tmp_path / "later")
    assert forged_reason(files, kept) is None
    proof = files["consistency"]
    lines = proof.splitlines(keepends=True)
    assert len(lines) > 1
    parts = [b"", b"\n" + proof, proof + lines[0], b"".join(lines[1:]), b"".join(lines[::-1])]
    for data in [*flips(proof), *parts]:
        why = forged_reason(files | {"consistency": data}, kept)
        assert why in {"NotConsistent", "MalformedProof"}


def test_files_that_nobody_listed_are_refused(bundle: Path) -> None:
    (bundle / "events" / "note.txt").write_text("x")
    assert reason(bundle) == "UnlistedFile"
    relisted(bundle)
    assert reason(bundle) is not None
    (bundle / "events" / "note.txt").unlink()
    (bundle / "manifest").unlink()
    assert reason(bundle) == "MalformedManifest"


def test_a_left_out_event_is_refused(bundle: Path) -> None:
    """Also the newest one, and all of a record with its head."""
    files = verifier.load(bundle)
    head = files["stream-head"].decode().splitlines(keepends=True)
    for at in range(2, len(head)):
        stream = UUID(head[at].split(" ")[0])
        mine = [
            name[7:-4]
            for name in files
            if name.startswith("events/")
            and verifier.event_of(files[name], name, ORIGIN).stream == stream
        ]
        newest = max(mine)
        gone = {f"events/{newest}.bin", f"proofs/{newest}.tlog-proof"}
        less = {name: data for name, data in files.items() if name not in gone}
        assert forged_reason(less) == "StreamGap"
        words = head[at].split(" ")
        shorter = " ".join([words[0], str(int(words[1]) - 1), *words[2:]])
        lie = less | {"stream-head": "".join([*head[:at], shorter, *head[at + 1 :]]).encode()}
        assert forged_reason(lie) in {"NotIncluded", "Unreadable"}
        without = "".join([*head[:at], *head[at + 1 :]]).encode()
        assert forged_reason(files | {"stream-head": without}) == "HeadMissing"


def test_without_the_witness_it_is_refused(bundle: Path) -> None:
    files = verifier.load(bundle)
    alone = sign(Note.parse(files["checkpoint"]).text, LOG_KEY).encode()
    changed = {name: data.replace(files["checkpoint"], alone) for name, data in files.items()}
    assert forged_reason(changed) == "NotWitnessed"
    assert list(verifier.verify(changed, LOGS, [], 0, None))[1].startswith("V2 not asked")


# --- Writing


def test_what_was_altered_makes_no_evidence(
    database: str, tiles: Path, customer: UUID, tmp_path: Path
) -> None:
    evidence = Evidence(database, TileFolder(tiles), PINNED)
    with pytest.raises(NothingToShow):
        evidence.write(tmp_path / "no", new_id())
    as_superuser(
        database,
        f"UPDATE log.events SET actor = 'forger' WHERE originator_id = '{customer}'",  # noqa: S608
    )
    with pytest.raises(LogDiffers):
        evidence.write(tmp_path / "no", customer)
    lie = (
        "convert_to(replace(convert_from(state, 'UTF8'), '\"streams\":', '\"streams\":1'), 'UTF8')"
    )
    as_superuser(
        database,
        f"UPDATE log.events SET state = {lie} WHERE originator_id = '{SEALS}'",  # noqa: S608
    )
    with pytest.raises(HeadsDiffer):
        evidence.write(tmp_path / "no", customer)
    assert not (tmp_path / "no").exists()


def test_before_the_first_seal_there_is_no_evidence(database: str, tiles: Path) -> None:
    with pytest.raises(SealsMissing):
        Evidence(database, TileFolder(tiles), PINNED)


def test_the_policy_says_the_quorum() -> None:
    assert Pinned(LOG_KEY.verifier).policy == f"log {LOG_KEY.verifier.text}\nquorum none\n"
    assert PINNED.policy.splitlines()[1:] == [
        f"witness witness-1 {WITNESS_KEY.verifier.text}",
        "group quorum-of-them 1 witness-1",
        "quorum quorum-of-them",
    ]


def test_the_published_checkpoint_is_the_one_shown(bundle: Path, tiles: Path) -> None:
    note = (bundle / "checkpoint").read_bytes()
    assert note == TileFolder(tiles).checkpoint()
    opened_ = open_checkpoint(note, ORIGIN, [LOG_KEY.verifier], [WITNESS_KEY.verifier], 1)
    assert f"{opened_.checkpoint.size} events" in checked(bundle)[0]

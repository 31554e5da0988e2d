"""Verifying the whole log: whatever a superuser does to it is named, with its place."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from domain.kernel import new_id
from domain.seals import SEALS, SealHeadsCommitted
from event_store.postgres import PostgresEventStore
from event_store.seals.checkpoints import Checkpoint, cosign
from event_store.seals.keys import SignerKey
from event_store.seals.lines import to_base64
from event_store.seals.merkle import Tree, leaf_hash
from event_store.seals.notes import Note, sign
from event_store.seals.tile_store import TileFolder
from event_store.seals.tiles import TileTree
from event_store.segments import Manifest, SegmentFolder
from event_store.store import Write
from replay.verify import Verdict, verify_log, verify_segments
from tests.event_store.entries import entry, opened
from tests.event_store.seals.sealed import (
    LOG_KEY,
    ORIGIN,
    WITNESS_KEY,
    as_superuser,
    fill,
    sealer,
)


@pytest.fixture
def tiles(store: PostgresEventStore, database: str, tmp_path: Path) -> TileFolder:
    """The seals of a log of more than one tile, made in several steps, and of one more event."""
    for _ in range(3):
        fill(store, 60, 2)
        sealer(store, database, tmp_path).seal()
    store.append(entry(opened(new_id())))
    assert store.head() == 364
    return TileFolder(tmp_path)


def verified(database: str, tiles: TileFolder, since: bytes | None = None) -> Verdict:
    return verify_log(database, tiles, LOG_KEY.verifier, since=since)


def first(verdict: Verdict) -> tuple[str, int | None]:
    assert not verdict.holds
    return verdict.findings[0].reason, verdict.findings[0].position


def test_a_sound_log_holds(database: str, tiles: TileFolder) -> None:
    verdict = verified(database, tiles, since=tiles.checkpoint())
    assert verdict.findings == []
    assert (verdict.size, verdict.head, verdict.witnesses) == (363, 364, ())


@pytest.mark.parametrize(
    "column",
    [
        "state = '{}'",
        "topic = 'opportunity.won/1'",
        "actor = 'somebody else'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "occurred_at = occurred_at - interval '1 day'",
        "on_behalf_of = 'x'",
        "reason = ''",
        "source = 'api'",
        "command_id = correlation_id, correlation_id = gen_random_uuid()",
        "causation_id = gen_random_uuid()",
        "batch_id = gen_random_uuid()",
        "subjects = ARRAY[originator_id]",
        "originator_id = gen_random_uuid()",
        "originator_version = 7",
    ],
)
def test_a_superusers_update_is_named_by_position(
    database: str, tiles: TileFolder, column: str
) -> None:
    as_superuser(database, f"UPDATE log.events SET {column} WHERE notification_id = 200")  # noqa: S608
    verdict = verified(database, tiles)
    assert first(verdict) == ("LogDiffers", 200)


def test_one_altered_event_is_one_finding(database: str, tiles: TileFolder) -> None:
    as_superuser(database, "UPDATE log.events SET reason = 'x' WHERE notification_id IN (1, 2)")
    assert [it.position for it in verified(database, tiles).findings] == [1, 2]


def test_a_deleted_row_is_named(database: str, tiles: TileFolder) -> None:
    as_superuser(database, "DELETE FROM log.events WHERE notification_id = 300")
    assert first(verified(database, tiles)) == ("EventMissing", 300)


def test_two_swapped_rows_are_named(database: str, tiles: TileFolder) -> None:
    as_superuser(
        database,
        "UPDATE log.events SET notification_id = -1 WHERE notification_id = 20",
        "UPDATE log.events SET notification_id = 20 WHERE notification_id = 30",
        "UPDATE log.events SET notification_id = 30 WHERE notification_id = -1",
    )
    assert first(verified(database, tiles)) == ("LogDiffers", 20)


def test_an_inserted_row_is_named(database: str, tiles: TileFolder) -> None:
    as_superuser(
        database,
        "UPDATE log.events SET notification_id = notification_id + 1000 WHERE notification_id > 50",
        "UPDATE log.events SET notification_id = notification_id - 999 WHERE notification_id > 50",
        "INSERT INTO log.events SELECT gen_random_uuid(), 1, topic, state, 51, recorded_at,"
        " occurred_at, actor, NULL, NULL, NULL, command_id, correlation_id, NULL, NULL, '{}'"
        " FROM log.events WHERE notification_id = 50",
    )
    assert first(verified(database, tiles)) == ("LogDiffers", 51)


def test_a_cut_tail_or_an_old_copy_is_named(
    store: PostgresEventStore, database: str, tiles: TileFolder
) -> None:
    as_superuser(database, "DELETE FROM log.events WHERE notification_id > 350")
    assert first(verified(database, tiles)) == ("LogShorter", 351)
    fill(store, 20)  # and then life went on
    assert first(verified(database, tiles)) == ("LogDiffers", 351)


def test_an_unsealed_gap_is_named(
    store: PostgresEventStore, database: str, tiles: TileFolder
) -> None:
    fill(store, 3, 1)
    as_superuser(database, "DELETE FROM log.events WHERE notification_id = 365")
    assert first(verified(database, tiles)) == ("EventMissing", 365)


def rebuilt(tiles: TileFolder, folder: Path, key: SignerKey) -> TileFolder:
    """Another tree over the altered log, signed: what whoever wants to hide something makes."""
    size = Checkpoint.parse(Note.parse(tiles.checkpoint() or b"").text).size
    other = TileFolder(folder)
    tree = TileTree(other)
    tree.append(leaf_hash(n.to_bytes(4)) for n in range(size))
    other.publish(sign(Checkpoint(ORIGIN, size, tree.root()).text, key).encode())
    return other


def test_a_rebuilt_tree_is_named(database: str, tiles: TileFolder, tmp_path: Path) -> None:
    thief = SignerKey.generate(ORIGIN)
    stolen = rebuilt(tiles, tmp_path / "thief", thief)
    assert first(verified(database, stolen))[0] == "Unsigned"
    own = rebuilt(tiles, tmp_path / "own", LOG_KEY)
    assert first(verified(database, own, since=tiles.checkpoint()))[0] == "NotConsistent"


def test_a_flipped_bit_in_any_tile_is_named(database: str, tiles: TileFolder) -> None:
    files = [it for it in (tiles.folder / "tile").rglob("*") if it.is_file()]
    assert len(files) >= 3
    used = 0
    for file in files:
        before = file.read_bytes()
        file.write_bytes(bytes([before[0] ^ 1]) + before[1:])
        verdict = verified(database, tiles)
        used += not verdict.holds
        if not verdict.holds:
            assert verdict.findings[0].reason == "RootDiffers"
        file.write_bytes(before[:-32])
        assert verified(database, tiles).holds == (file.name not in ("000", "107", "1"))
        file.write_bytes(before)
    assert used == 3, "tiles of older sizes are of no use any more"


def test_a_missing_tile_is_named(database: str, tiles: TileFolder) -> None:
    (tiles.folder / "tile/0/000").unlink()
    assert first(verified(database, tiles))[0] == "MissingTile"


def test_another_checkpoint_is_named(database: str, tiles: TileFolder) -> None:
    note = tiles.checkpoint() or b""
    tiles.publish(note.replace(b"363", b"362"))
    assert first(verified(database, tiles))[0] == "WrongSignature"
    lie = Checkpoint(ORIGIN, 363, Tree([leaf_hash(b"")]).root())
    tiles.publish(sign(lie.text, LOG_KEY).encode())
    assert first(verified(database, tiles))[0] == "RootDiffers"
    tiles.publish(b"nothing")
    assert first(verified(database, tiles))[0] == "MalformedNote"


def test_witnesses_are_told(database: str, tiles: TileFolder) -> None:
    def with_witness() -> Verdict:
        return verify_log(database, tiles, LOG_KEY.verifier, [WITNESS_KEY.verifier], quorum=1)

    assert first(with_witness())[0] == "NotWitnessed"
    note = Note.parse(tiles.checkpoint() or b"")
    seen = cosign(Checkpoint.parse(note.text), WITNESS_KEY, 1_700_000_000)
    tiles.publish(note.with_signatures(seen).encode())
    assert with_witness().witnesses == (WITNESS_KEY.name,)


def test_a_lie_about_the_heads_is_named(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    """Also where it was told before it was sealed, by whoever has the database."""
    fill(store, 2, 1)
    lie = SealHeadsCommitted(position=2, streams=1, root=to_base64(leaf_hash(b"")))
    store.append(entry(Write(SEALS, 0, (lie,))))
    sealer(store, database, tmp_path).seal()
    assert first(verified(database, TileFolder(tmp_path))) == ("HeadsDiffer", 3)


def test_what_was_never_sealed_is_not_called_verified(database: str, tmp_path: Path) -> None:
    assert first(verified(database, TileFolder(tmp_path))) == ("SealsMissing", None)


def test_a_swapped_segment_is_named(tmp_path: Path) -> None:
    assert verify_segments(tmp_path) == []
    folder = SegmentFolder(tmp_path)
    segments = []
    for number in range(3):
        draft = folder.draft(number)
        draft.write_bytes(b"%d" % number)
        segments.append(folder.adopt(draft, number * 100 + 1, number * 100 + 100, 100, {}))
    folder.write(Manifest("log", tuple(segments)))
    assert verify_segments(tmp_path) == []
    folder.path(segments[1]).write_bytes(b"0")
    [found] = verify_segments(tmp_path)
    assert (found.reason, found.position) == ("SegmentDiffers", 101)
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode({"log": 1}))
    assert verify_segments(tmp_path)[0].reason == "ManifestUnreadable"

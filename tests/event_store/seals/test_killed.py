"""A-06: whatever moment the sealer is killed in, no checkpoint contradicts one before it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from event_store.postgres import PostgresEventStore
from event_store.seals import stored
from event_store.seals.checkpoints import Checkpoint
from event_store.seals.merkle import verify_consistency
from event_store.seals.notes import Note
from event_store.seals.sealing import Sealing
from event_store.seals.tile_store import TileFolder
from event_store.seals.tiles import TileTree
from replay.verify import verify_log
from tests.event_store.seals.sealed import LOG_KEY, fill, published

ROOT = Path(__file__).parents[3]

PROGRAM = """
import os, signal, sys
from pathlib import Path
from event_store.postgres import PostgresEventStore
from event_store.seals import cosigning, keys, sealing, stored, tile_store, tiles
from event_store.seals.witness import Witness
from tests.conftest import KEKS
from tests.event_store.seals.sealed import LOG_KEY, WITNESS_KEY

dsn, folder, left = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])

def moment():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def around(cls, name):
    '''A moment before and a moment after each call.'''
    before = getattr(cls, name)
    def called(*arguments, **named):
        moment()
        result = before(*arguments, **named)
        moment()
        return result
    setattr(cls, name, called)

for cls, name in [
    (PostgresEventStore, "append"), (PostgresEventStore, "append_all"),
    (tile_store.TileFolder, "write"), (tile_store.TileFolder, "publish"),
    (tile_store.TileFolder, "drop_partials"), (tile_store.TileFolder, "_sync"),
    (Path, "replace"), (keys.SignerKey, "sign"), (Witness, "_keep"), (Witness, "add_checkpoint"),
]:
    around(cls, name)

witness = Witness(folder / "witness", WITNESS_KEY, [LOG_KEY.verifier])

class InProcess(cosigning.WitnessAt):
    def _ask(self, note, tree, old, size):
        proof = tree.consistency(old, size) if 0 < old < size else []
        request = cosigning.Request(old, tuple(proof), note.encode())
        answer = witness.add_checkpoint(request.encode())
        return answer.status, answer.body

at = InProcess("http://in.process", WITNESS_KEY.verifier)
store = PostgresEventStore(dsn, claim_key=bytes(32), keks=KEKS)
with stored.connect(dsn) as conn:
    tiles_ = tile_store.TileFolder(folder / "seals")
    sealing.Sealing(store, conn, tiles_, LOG_KEY, [at]).step()
store.close()
print(left)
"""


def test_a_kill_at_each_moment_leaves_one_history(
    store: PostgresEventStore, database: str, tmp_path: Path
) -> None:
    seals = tmp_path / "seals"
    seen: list[Checkpoint] = []
    moment, finished = 1, False
    while not finished:
        fill(store, 90, 1)  # so that tiles are filled in some of the steps
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, database, str(tmp_path), str(moment)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        finished = done.returncode == 0
        assert finished or done.returncode == -signal.SIGKILL, done.stderr
        seen += _signed(tmp_path)
        moment += 1
    assert moment > 25
    sizes = {it.size for it in seen}
    assert len({(it.size, it.root) for it in seen}) == len(sizes), "two roots at one size"
    tree = TileTree(TileFolder(seals), published(seals).size)
    for one in seen:
        last = published(seals)
        proof = tree.consistency(one.size)
        verify_consistency(one.size, last.size, one.root, last.root, proof)
    assert published(seals).size == store.head()
    assert verify_log(database, TileFolder(seals), LOG_KEY.verifier).holds


def _signed(folder: Path) -> list[Checkpoint]:
    """Every checkpoint that has left the program: published, or seen by the witness."""
    files = [*folder.glob("seals/checkpoint"), *folder.glob("witness/*.checkpoint")]
    return [Checkpoint.parse(Note.parse(file.read_bytes()).text) for file in files]


class FailingFolder(TileFolder):
    """A disk that fails at one of its operations."""

    left = 0

    def _fail(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "no space left on device")

    def write(self, files: Mapping[str, bytes]) -> None:
        self._fail()
        super().write(files)
        self._fail()

    def publish(self, checkpoint: bytes) -> None:
        self._fail()
        super().publish(checkpoint)
        self._fail()


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_full_disk_leaves_one_history(
    store: PostgresEventStore, database: str, tmp_path: Path, moment: int
) -> None:
    folder = FailingFolder(tmp_path)
    for left in (0, moment, 0):
        fill(store, 100, 2)
        folder.left = left
        with stored.connect(database) as conn:
            sealing = Sealing(store, conn, folder, LOG_KEY)
            if left:
                with pytest.raises(OSError, match="no space"):
                    sealing.step()
            else:
                assert sealing.step()
    assert published(tmp_path).size == store.head()
    assert verify_log(database, TileFolder(tmp_path), LOG_KEY.verifier).holds

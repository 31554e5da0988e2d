"""The witness: one history for each log, whatever it is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from event_store.postgres import PostgresEventStore
from event_store.seals.checkpoints import Checkpoint, open_checkpoint
from event_store.seals.cosigning import WitnessAt
from event_store.seals.keys import LOG, SignerKey
from event_store.seals.merkle import EMPTY_ROOT, Tree, leaf_hash
from event_store.seals.notes import Note, Signature, sign
from event_store.seals.reasons import MalformedKey, NotWitnessed, WitnessDisagrees
from event_store.seals.sealer import seal_status
from event_store.seals.tile_store import TileFolder
from event_store.seals.witness import Answer, Request, Witness
from tests.event_store.seals.sealed import LOG_KEY, ORIGIN, WITNESS_KEY, fill, published, sealer

TREE = Tree(leaf_hash(n.to_bytes(4)) for n in range(40))
OTHER = Tree(leaf_hash(n.to_bytes(4) + b"!") for n in range(40))


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness", WITNESS_KEY, [LOG_KEY.verifier], now=lambda: 1_700_000_000)


def note_of(tree: Tree, size: int, key: SignerKey = LOG_KEY) -> Note:
    return sign(Checkpoint(key.name, size, tree.root(size)).text, key)


def request(old: int, size: int, tree: Tree = TREE, key: SignerKey = LOG_KEY) -> bytes:
    proof = tree.consistency(old, size) if 0 < old < size else []
    return Request(old, tuple(proof), note_of(tree, size, key).encode()).encode()


def asked(witness: Witness, old: int, size: int, tree: Tree = TREE) -> Answer:
    return witness.add_checkpoint(request(old, size, tree))


def test_a_growing_log_is_cosigned(witness: Witness) -> None:
    for old, size in [(0, 0), (0, 1), (1, 7), (7, 7), (7, 8), (8, 40)]:
        answer = asked(witness, old, size)
        assert answer.status == 200, answer
        signature = Signature.parse(answer.body.removesuffix("\n"))
        note = note_of(TREE, size).with_signatures(signature)
        opened = open_checkpoint(
            note.encode(), ORIGIN, [LOG_KEY.verifier], [WITNESS_KEY.verifier], quorum=1
        )
        assert opened.cosigned == {WITNESS_KEY.verifier: 1_700_000_000}
        assert witness.last(ORIGIN).size == size


def test_a_wrong_old_size_is_answered_with_the_known_one(witness: Witness) -> None:
    asked(witness, 0, 7)
    for old, size in [(0, 9), (6, 9), (8, 9), (0, 7)]:
        answer = asked(witness, old, size)
        assert (answer.status, answer.body) == (409, "7\n")
        assert answer.content_type == "text/x.tlog.size"


def test_an_old_size_beyond_the_new_one_is_nonsense(witness: Witness) -> None:
    asked(witness, 0, 7)
    assert witness.add_checkpoint(request(7, 5)).status == 400


def test_a_split_view_is_refused(witness: Witness) -> None:
    """A-05: two logs of one name, with different roots at one size."""
    asked(witness, 0, 7)
    assert asked(witness, 7, 7, OTHER).status == 409
    assert asked(witness, 7, 9, OTHER).status == 422
    assert asked(witness, 7, 9).status == 200


def test_a_bad_proof_is_refused(witness: Witness) -> None:
    asked(witness, 0, 7)
    good = Request.parse(request(7, 20))
    for proof in [(), good.proof[:-1], (*good.proof, bytes(32)), good.proof[::-1]]:
        assert witness.add_checkpoint(Request(7, proof, good.note).encode()).status == 422
    fresh = Request(0, good.proof, note_of(TREE, 20, LOG_KEY).encode())
    assert witness.add_checkpoint(fresh.encode()).status == 409


def test_the_empty_tree_needs_no_proof_and_has_one_root(witness: Witness) -> None:
    proved = Request(0, (bytes(32),), note_of(TREE, 3).encode())
    assert witness.add_checkpoint(proved.encode()).status == 422
    lie = sign(Checkpoint(ORIGIN, 0, leaf_hash(b"x")).text, LOG_KEY)
    assert witness.add_checkpoint(Request(0, (), lie.encode()).encode()).status == 409
    assert witness.last(ORIGIN) == Checkpoint(ORIGIN, 0, EMPTY_ROOT)


def test_strangers_are_turned_away(witness: Witness) -> None:
    thief = SignerKey(ORIGIN, LOG, bytes(32))
    assert witness.add_checkpoint(request(0, 3, key=thief)).status == 403
    unknown = SignerKey("log.example/other", LOG, bytes(32))
    assert witness.add_checkpoint(request(0, 3, key=unknown)).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n",
        b"old -1\n\n",
        b"new 0\n\n",
        b"old 0\nnot base64\n\n",
        b"\xff\n\n",
        b"old 0\n\nno note",
        b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n",
    ],
)
def test_nonsense_is_named(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 400
    if body:
        assert witness.add_checkpoint(body + request(0, 3)).status == 400


def test_what_was_cosigned_outlives_the_program(witness: Witness, tmp_path: Path) -> None:
    asked(witness, 0, 7)
    (tmp_path / "witness" / "killed.draft").write_bytes(b"half")
    again = Witness(tmp_path / "witness", WITNESS_KEY, [LOG_KEY.verifier])
    assert asked(again, 0, 9).status == 409
    assert asked(again, 7, 9).status == 200


def test_nothing_is_cosigned_that_cannot_be_kept(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        asked(witness, 0, 7)
    monkeypatch.undo()
    assert witness.last(ORIGIN).size == 0


def test_requests_at_once_cannot_roll_each_other_back(witness: Witness) -> None:
    asked(witness, 0, 1)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda size: asked(witness, 1, size), range(2, 34)))
    won = [n for n, answer in enumerate(answers, start=2) if answer.status == 200]
    assert len(won) == 1
    assert {answer.status for answer in answers} == {200, 409}
    assert witness.last(ORIGIN).size == won[0]


# --- The log asks


@contextmanager
def listening(witness: Witness) -> Iterator[WitnessAt]:
    """The witness behind a plain server of the standard library."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = witness.add_checkpoint(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield WitnessAt(f"http://127.0.0.1:{server.server_port}", WITNESS_KEY.verifier)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_published_checkpoints_are_cosigned(
    store: PostgresEventStore, database: str, tmp_path: Path, witness: Witness
) -> None:
    with listening(witness) as at:
        mine = sealer(store, database, tmp_path / "seals", witnesses=[at])
        for _ in range(3):
            fill(store, 3)
            mine.seal()
            note = TileFolder(tmp_path / "seals").checkpoint() or b""
            open_checkpoint(note, ORIGIN, [LOG_KEY.verifier], [WITNESS_KEY.verifier], quorum=1)
            assert witness.last(ORIGIN).size == store.head()
    assert seal_status(store, database).witnesses == (WITNESS_KEY.name,)


def test_without_its_witness_nothing_is_published_and_then_all(
    store: PostgresEventStore, database: str, tmp_path: Path, witness: Witness
) -> None:
    folder = tmp_path / "seals"
    with listening(witness) as at:
        sealer(store, database, folder, witnesses=[at]).seal()
        fill(store, 2)
        sealer(store, database, folder, witnesses=[at]).seal()
    fill(store, 2)
    with pytest.raises(NotWitnessed, match="does not answer"):
        sealer(store, database, folder, witnesses=[at]).seal()
    assert published(folder).size == 7
    assert seal_status(store, database).lag == 6
    with listening(witness) as there:
        sealer(store, database, folder, witnesses=[there]).seal()
    assert published(folder).size == store.head()
    assert witness.last(ORIGIN).size == store.head()
    fill(store, 1)
    sealer(store, database, folder, witnesses=[at], quorum=0).seal()
    assert published(folder).size == store.head()


def test_a_rebuilt_log_is_refused_by_the_witness(
    store: PostgresEventStore, database: str, tmp_path: Path, witness: Witness
) -> None:
    """Whoever has the log's key and rewrites everything still has to face who saw the first."""
    fill(store, 3)
    with listening(witness) as at:
        sealer(store, database, tmp_path / "one", witnesses=[at]).seal()
        before = witness.last(ORIGIN)
        forged = note_of(OTHER, before.size)
        with pytest.raises(WitnessDisagrees):
            at.cosign(forged, OTHER, before.size)
        with pytest.raises(WitnessDisagrees):
            at.cosign(note_of(OTHER, 30), OTHER, 0)
        with pytest.raises(WitnessDisagrees, match="has seen 10 leaves"):
            at.cosign(note_of(TREE, 5), TREE, 0)
        assert witness.last(ORIGIN) == before


def test_an_answer_of_somebody_else_does_not_count(witness: Witness) -> None:
    with listening(witness) as at:
        stranger = WitnessAt(at.url, SignerKey.generate("witness.example/w2", 4).verifier)
        with pytest.raises(NotWitnessed, match="has not signed"):
            stranger.cosign(note_of(TREE, 3), TREE, 0)


def test_a_witness_is_named_by_url_and_key() -> None:
    text = f"http://127.0.0.1:1 {WITNESS_KEY.verifier.text}"
    assert WitnessAt.parse(text) == WitnessAt("http://127.0.0.1:1", WITNESS_KEY.verifier)
    for bad in ["", "http://x", f"ftp://x {WITNESS_KEY.verifier.text}",
                f"http://x {LOG_KEY.verifier.text}"]:  # fmt: skip
        with pytest.raises(MalformedKey):
            WitnessAt.parse(bad)

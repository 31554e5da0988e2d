"""Proofs in files: read as they are written, and refused when anything is altered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_store.seals.checkpoints import Checkpoint, cosign
from event_store.seals.keys import LOG, WITNESS, SignerKey
from event_store.seals.lines import to_base64
from event_store.seals.merkle import Tree, leaf_hash
from event_store.seals.notes import sign
from event_store.seals.proofs import LogProof
from event_store.seals.reasons import (
    MalformedCheckpoint,
    MalformedNote,
    MalformedProof,
    NotIncluded,
    NotWitnessed,
    Unsigned,
    Unsound,
    WrongOrigin,
)

ORIGIN = "log.example/acme"
LOG_KEY = SignerKey(ORIGIN, LOG, bytes(range(32)))
WITNESS_KEY = SignerKey("witness.example/w1", WITNESS, bytes(range(32, 64)))

LEAVES = [leaf_hash(number.to_bytes(4)) for number in range(40)]
TREE = Tree(LEAVES)


def proof(index: int, size: int) -> LogProof:
    """The proof of a leaf, in a checkpoint that a witness has seen."""
    checkpoint = Checkpoint(ORIGIN, size, TREE.root(size))
    note = sign(checkpoint.text, LOG_KEY).with_signatures(cosign(checkpoint, WITNESS_KEY, 1))
    return LogProof(index, tuple(TREE.inclusion(index, size)), note.encode())


def believed(data: bytes, leaf: bytes) -> Checkpoint:
    """The checkpoint of a proof that is believed with the witness's word only."""
    keys = [LOG_KEY.verifier], [WITNESS_KEY.verifier]
    return LogProof.parse(data).verify(leaf, ORIGIN, *keys, quorum=1).checkpoint


FILE = proof(4, 7).encode()


def test_a_proof_is_written_as_the_specification_has_it() -> None:
    it = proof(4, 7)
    lines = it.encode().decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 4"]
    assert lines[2:5] == [to_base64(it) for it in TREE.inclusion(4, 7)]
    assert lines[5:8] == ["", ORIGIN, "7"]
    assert it.encode().endswith(b"\n\n" + it.checkpoint)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, len(LEAVES)), st.data())
def test_every_leaf_of_every_tree_is_proved(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    encoded = proof(index, size).encode()
    assert LogProof.parse(encoded) == proof(index, size)
    assert believed(encoded, LEAVES[index]).size == size


def test_another_leaf_is_not_proved() -> None:
    with pytest.raises(NotIncluded):
        believed(FILE, LEAVES[5])


def test_nothing_is_proved_to_whom_knows_other_keys() -> None:
    stranger = SignerKey.generate(ORIGIN)
    read = LogProof.parse(FILE)
    with pytest.raises(Unsigned):
        read.verify(LEAVES[4], ORIGIN, [stranger.verifier])
    with pytest.raises(WrongOrigin):
        read.verify(LEAVES[4], "log.example/other", [LOG_KEY.verifier])
    with pytest.raises(NotWitnessed):
        read.verify(LEAVES[4], ORIGIN, [LOG_KEY.verifier], quorum=1)


class TestMalformed:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"c2sp.org/tlog-proof@v1\n\n",
            b"\n" + FILE,
            FILE.replace(b"@v1", b"@v2"),
            FILE.replace(b"index 4\n", b""),
            FILE.replace(b"index 4\n", b"index 4\nindex 4\n"),
            FILE.replace(b"index 4", b"index 04"),
            FILE.replace(b"index 4", b"index -4"),
            FILE.replace(b"index 4", b"index  4"),
            FILE.replace(b"index 4", b"index 4 "),
            FILE.replace(b"index 4", b"4"),
            FILE.replace(b"index 4", b"index"),
            FILE.replace(b"index 4", b"index 9223372036854775807"),
            FILE.replace(b"index 4", "index ٤".encode()),
            FILE.replace(b"index 4\n", b"index 4\nAAAA\n"),
            FILE.replace(b"index 4\n", b"index 4\nno base64\n"),
            FILE.replace(b"index 4\n", b"index 4\r\n"),
            FILE.replace(b"index 4\n", b"index 4\n" + LEAVES[0].hex().encode() + b"\n"),
            FILE.replace(b"index 4\n", b"index 4\n" + f"{to_base64(LEAVES[0])}\n".encode() * 64),
        ],
    )
    def test_is_what_is_not_in_the_format(self, data: bytes) -> None:
        with pytest.raises(MalformedProof):
            LogProof.parse(data)

    def test_is_a_head_without_end(self) -> None:
        with pytest.raises(MalformedProof, match="few lines"):
            LogProof.parse(FILE.replace(b"index 4\n", b"index 4\n" + b"A" * 10_000 + b"\n"))

    def test_is_what_carries_data_that_nobody_has_signed(self) -> None:
        with pytest.raises(MalformedProof, match="nobody has signed"):
            LogProof.parse(FILE.replace(b"index 4", b"extra AAAA\nindex 4"))

    def test_is_a_checkpoint_that_is_none(self) -> None:
        with pytest.raises(MalformedNote):
            LogProof.parse(FILE + b"x")
        with pytest.raises(MalformedCheckpoint):
            LogProof.parse(LogProof(0, (), sign("no checkpoint\n", LOG_KEY).encode()).encode())

    def test_is_not_made(self) -> None:
        for index, hashes in ((-1, ()), (0, (b"",)), (0, (LEAVES[0],) * 64)):
            with pytest.raises(MalformedProof):
                LogProof(index, hashes, b"")


class TestTampering:
    def test_a_flipped_bit_is_found(self) -> None:
        reasons = set()
        for bit in range(len(FILE) * 8):
            tampered = bytearray(FILE)
            tampered[bit // 8] ^= 1 << bit % 8
            with pytest.raises(Unsound) as refused:
                believed(bytes(tampered), LEAVES[4])
            reasons.add(refused.value.reason)
        assert reasons == {
            *("MalformedProof", "MalformedNote", "MalformedCheckpoint", "NotIncluded"),
            *("WrongSignature", "Unsigned", "NotWitnessed"),
        }

    def test_a_missing_or_doubled_byte_is_found(self) -> None:
        for at in range(len(FILE)):
            for tampered in (FILE[:at] + FILE[at + 1 :], FILE[: at + 1] + FILE[at:]):
                with pytest.raises(Unsound):
                    believed(tampered, LEAVES[4])

    def test_a_missing_doubled_or_moved_line_is_found(self) -> None:
        lines = FILE.splitlines(keepends=True)
        last = len(lines) - 1
        for at in range(len(lines)):
            missing, doubled = lines[:at] + lines[at + 1 :], lines[: at + 1] + lines[at:]
            moved = [*lines[:at], *lines[at + 1 : at + 2], lines[at], *lines[at + 2 :]]
            # The signatures are the last two lines, and in no order.
            for tampered in (missing, doubled, *([moved] if at < last - 1 else [])):
                with pytest.raises(Unsound):
                    believed(b"".join(tampered), LEAVES[4])

    def test_a_cut_or_lengthened_file_is_found(self) -> None:
        for end in range(len(FILE)):
            with pytest.raises(Unsound):
                believed(FILE[:end], LEAVES[4])
        for more in (b"\n", b" ", b"\0", FILE):
            with pytest.raises(Unsound):
                believed(FILE + more, LEAVES[4])

"""Notes, keys, checkpoints and cosignatures: what is believed, and why all else is not."""

from __future__ import annotations

import pytest

from event_store.seals.checkpoints import Checkpoint, cosign, open_checkpoint
from event_store.seals.keys import LOG, WITNESS, SignerKey, VerifierKey
from event_store.seals.merkle import EMPTY_ROOT
from event_store.seals.notes import NOTE_BYTES_MAX, SIGNATURES_MAX, Note, Signature, sign, verify
from event_store.seals.reasons import (
    MalformedCheckpoint,
    MalformedKey,
    MalformedNote,
    NotWitnessed,
    SignedTwice,
    Unsigned,
    Unsound,
    WrongOrigin,
    WrongSignature,
)

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFX"
    "mRKuwHjG1Yu72IneyaQM=\n"
).encode()
"""The example of the specification, with its key."""

ORIGIN = "log.example/acme"
LOG_KEY = SignerKey(ORIGIN, LOG, bytes(range(32)))
WITNESS_KEY = SignerKey("witness.example/w1", WITNESS, bytes(range(32, 64)))
SECOND_WITNESS = SignerKey("witness.example/w2", WITNESS, bytes(range(64, 96)))
AT = 1_700_000_000

CHECKPOINT = Checkpoint(ORIGIN, 8, bytes(range(100, 132)))
SIGNED = (
    "log.example/acme\n"
    "8\n"
    "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
    "\n"
    "— log.example/acme u3VmNGg1epcrXUzm+5tuhrBktzzi9EX/hZow6gMSF4GWeH1B8y2dzsBEYWm8GH+MuIEtv4iJ"
    "aGvzorZLisI7+C5PKQI=\n"
    "— witness.example/w1 IDJKvgAAAABlU/EAVPPwz6B1JFE3Y+P/BrwvCThAM0PmDNGUmkmCzLA+lps6vP1UJz6As7j"
    "MTJSRYXY6vMhsNU2yTIAX9C5b/JVADw==\n"
).encode()
"""A checkpoint as it has always been written, with the keys above."""


def opened(data: bytes, quorum: int = 1) -> Checkpoint:
    """The checkpoint, by the keys above."""
    found = open_checkpoint(
        data, ORIGIN, [LOG_KEY.verifier], [WITNESS_KEY.verifier, SECOND_WITNESS.verifier], quorum
    )
    return found.checkpoint


class TestKeys:
    def test_are_written_as_the_specification_has_them(self) -> None:
        key = VerifierKey.parse(EXAMPLE_KEY)
        assert (key.name, key.kind, key.id.hex()) == ("example.com/foo", LOG, "530d903a")
        assert key.text == EXAMPLE_KEY

    @pytest.mark.parametrize("kind", [LOG, WITNESS])
    def test_are_read_as_they_are_written(self, kind: int) -> None:
        key = SignerKey.generate("log.example/new", kind)
        assert SignerKey.parse(key.secret_text) == key
        assert VerifierKey.parse(key.verifier.text) == key.verifier
        assert key != SignerKey.generate("log.example/new", kind)

    def test_have_another_id_for_another_kind_or_name(self) -> None:
        ids = {VerifierKey(name, kind, bytes(32)).id for name in "ab" for kind in (LOG, WITNESS)}
        assert len(ids) == 4

    def test_do_not_show_their_secret(self) -> None:
        assert LOG_KEY.secret_text.rpartition("+")[2] not in repr(LOG_KEY)
        assert repr(LOG_KEY.secret) not in repr(LOG_KEY)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "name",
            "name+530d903a",
            "name+530d903a+",
            EXAMPLE_KEY + "=",
            EXAMPLE_KEY + "\n",
            EXAMPLE_KEY[:-4],
            EXAMPLE_KEY.replace("530d903a", "530d903b"),
            EXAMPLE_KEY.replace("530d903a", "530D903A"),
            EXAMPLE_KEY.replace("example", "exemple"),
            EXAMPLE_KEY.replace("foo", "f o"),
            EXAMPLE_KEY.replace("foo", "f\N{NO-BREAK SPACE}o"),
            EXAMPLE_KEY.replace("example.com/foo", ""),
            EXAMPLE_KEY.replace("+A", "+B"),
        ],
    )
    def test_that_are_none_are_refused(self, text: str) -> None:
        with pytest.raises(MalformedKey):
            VerifierKey.parse(text)
        with pytest.raises(MalformedKey):
            SignerKey.parse(text)
        with pytest.raises(MalformedKey):
            SignerKey.parse(f"PRIVATE+KEY+{text}")

    def test_of_another_length_or_kind_are_refused(self) -> None:
        for make in (
            lambda: VerifierKey("name", LOG, bytes(31)),
            lambda: VerifierKey("name", 2, bytes(32)),
            lambda: SignerKey("name", LOG, bytes(33)),
            lambda: SignerKey("na+me", LOG, bytes(32)),
        ):
            with pytest.raises(MalformedKey):
                make()


class TestNotes:
    def test_of_the_specification_is_believed(self) -> None:
        note = Note.parse(EXAMPLE)
        key = VerifierKey.parse(EXAMPLE_KEY)
        assert note.text == "This is an example message.\n"
        assert note.encode() == EXAMPLE
        assert verify(note, [key]) == {key: None}

    def test_may_have_empty_lines_and_any_letters(self) -> None:
        text = "Ognuno sta solo\n\n\ned è subito sera.\n\n— nobody AAAA\n"
        note = Note.parse(sign(text, LOG_KEY).encode())
        assert note.text == text
        assert verify(note, [LOG_KEY.verifier]) == {LOG_KEY.verifier: None}

    def test_may_be_signed_by_several_and_by_strangers(self) -> None:
        other, stranger = (SignerKey.generate(name) for name in ("other", "stranger"))
        note = Note.parse(sign("text\n", stranger, LOG_KEY, other).encode())
        both = [LOG_KEY.verifier, other.verifier]
        assert verify(note, both) == dict.fromkeys(both)
        assert verify(note, both[:1]) == {LOG_KEY.verifier: None}

    def test_is_not_believed_by_a_stranger_of_the_same_name_or_id(self) -> None:
        note = sign("text\n", SignerKey.generate(ORIGIN))
        with pytest.raises(Unsigned):
            verify(note, [LOG_KEY.verifier])
        (mine,) = sign("text\n", LOG_KEY).signatures
        renamed = Signature("somebody", mine.key_id, mine.value)
        with pytest.raises(Unsigned):
            verify(Note("text\n", (renamed,)), [LOG_KEY.verifier])

    def test_is_not_believed_if_one_known_signature_is_wrong(self) -> None:
        other = SignerKey.generate("other")
        (wrong,) = sign("another text\n", other).signatures
        note = sign("text\n", LOG_KEY).with_signatures(wrong)
        assert verify(note, [LOG_KEY.verifier])
        with pytest.raises(WrongSignature, match="other"):
            verify(note, [LOG_KEY.verifier, other.verifier])

    def test_is_not_believed_if_a_key_signed_twice(self) -> None:
        note = sign("text\n", LOG_KEY, LOG_KEY)
        with pytest.raises(SignedTwice):
            verify(note, [LOG_KEY.verifier])

    def test_is_not_believed_without_keys(self) -> None:
        with pytest.raises(Unsigned):
            verify(Note.parse(EXAMPLE), [])

    def test_is_not_judged_by_keys_that_cannot_be_told_apart(self) -> None:
        one, two = (VerifierKey("name", LOG, bytes([n]) * 32) for n in (1, 2))
        vars(two)["id"] = one.id
        with pytest.raises(ValueError, match="share"):
            verify(Note.parse(EXAMPLE), [one, two])

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\n\n",
            EXAMPLE[:-1],
            EXAMPLE + b"\n",
            EXAMPLE + b"x\n",
            EXAMPLE.replace(b"\n\n", b"\n"),
            EXAMPLE.replace(b"\n", b"\r\n"),
            EXAMPLE.replace(b" an ", b"\tan "),
            EXAMPLE.replace(b" an ", b"\xffan "),
            EXAMPLE.replace(b" an ", b"\xed\xa0\x80an "),
            EXAMPLE.replace("—".encode(), b"-"),
            EXAMPLE.replace("— ".encode(), "—".encode()),
            EXAMPLE.replace("— ".encode(), "—  ".encode()),
            EXAMPLE.replace(b"foo", b"f+o"),
            EXAMPLE.replace(b"foo", b"f o"),
            EXAMPLE.replace(b"foo ", b"foo  "),
            EXAMPLE.replace(b"aQM=", b"aQM"),
            EXAMPLE.replace(b"aQM=", b"aQN="),
            EXAMPLE.replace(b"aQM=", b"aQ-="),
            EXAMPLE.replace(b"aQM=\n", b"aQM= \n"),
            "text\n\n— name AAAAAA==\n".encode(),
        ],
    )
    def test_that_are_none_are_refused(self, data: bytes) -> None:
        with pytest.raises(MalformedNote):
            Note.parse(data)

    def test_that_are_too_large_are_refused(self) -> None:
        with pytest.raises(MalformedNote, match="bytes"):
            Note.parse(b"text" * (NOTE_BYTES_MAX // 4) + EXAMPLE)
        (line,) = Note.parse(EXAMPLE).signatures
        assert Note("text\n", (line,) * SIGNATURES_MAX)
        with pytest.raises(MalformedNote, match="signatures"):
            Note("text\n", (line,) * (SIGNATURES_MAX + 1))

    @pytest.mark.parametrize("text", ["", "no end", "a\tb\n", "a\0b\n"])
    def test_are_not_made_of_what_cannot_be_one(self, text: str) -> None:
        with pytest.raises(MalformedNote):
            sign(text, LOG_KEY)

    def test_need_a_signature(self) -> None:
        with pytest.raises(MalformedNote):
            sign("text\n")

    def test_are_not_signed_by_witnesses(self) -> None:
        with pytest.raises(ValueError, match="checkpoints"):
            sign("text\n", WITNESS_KEY)


class TestCheckpoints:
    def test_are_written_as_ever(self) -> None:
        checkpoint = opened(SIGNED)
        assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 8)
        note = sign(checkpoint.text, LOG_KEY)
        assert note.with_signatures(cosign(checkpoint, WITNESS_KEY, AT)).encode() == SIGNED

    def test_of_an_empty_log(self) -> None:
        empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
        assert opened(sign(empty.text, LOG_KEY).encode(), quorum=0) == empty

    @pytest.mark.parametrize(
        "text",
        [
            "",
            CHECKPOINT.text[:-1],
            CHECKPOINT.text + "extension\n",
            CHECKPOINT.text + "\n",
            "\n" + CHECKPOINT.text,
            CHECKPOINT.text.replace(ORIGIN, ""),
            CHECKPOINT.text.replace(ORIGIN, "log\texample"),
            CHECKPOINT.text.replace("\n8\n", "\n08\n"),
            CHECKPOINT.text.replace("\n8\n", "\n+8\n"),
            CHECKPOINT.text.replace("\n8\n", "\n-8\n"),
            CHECKPOINT.text.replace("\n8\n", "\n 8\n"),
            CHECKPOINT.text.replace("\n8\n", "\n٨\n"),
            CHECKPOINT.text.replace("\n8\n", "\n\n"),
            CHECKPOINT.text.replace("\n8\n", f"\n{2**63}\n"),
            CHECKPOINT.text.replace("\n8\n", "\n" + "9" * 5_000 + "\n"),
            CHECKPOINT.text.replace("=\n", "\n"),
            CHECKPOINT.text.replace("Z", "_"),
            f"{ORIGIN}\n8\nAAAA\n",
            f"{ORIGIN}\n8\n\n",
        ],
    )
    def test_that_are_none_are_refused(self, text: str) -> None:
        with pytest.raises(MalformedCheckpoint):
            Checkpoint.parse(text)

    @pytest.mark.parametrize(
        ("origin", "size", "root"),
        [("", 1, EMPTY_ROOT), ("a\nb", 1, EMPTY_ROOT), (ORIGIN, -1, EMPTY_ROOT), (ORIGIN, 1, b"")],
    )
    def test_are_not_made_of_what_cannot_be_one(self, origin: str, size: int, root: bytes) -> None:
        with pytest.raises(MalformedCheckpoint):
            Checkpoint(origin, size, root)

    def test_need_the_log_s_own_signature(self) -> None:
        witnessed = Note(CHECKPOINT.text, (cosign(CHECKPOINT, WITNESS_KEY, AT),))
        with pytest.raises(Unsigned):
            opened(witnessed.encode())

    def test_of_another_log_are_refused(self) -> None:
        other = Checkpoint("log.example/other", 8, CHECKPOINT.root)
        with pytest.raises(WrongOrigin, match="other"):
            opened(sign(other.text, LOG_KEY).encode(), quorum=0)

    def test_may_be_signed_by_a_log_s_older_key(self) -> None:
        older = SignerKey.generate(ORIGIN)
        data = sign(CHECKPOINT.text, older).encode()
        keys = [LOG_KEY.verifier, older.verifier]
        assert open_checkpoint(data, ORIGIN, keys).checkpoint == CHECKPOINT

    def test_are_judged_by_keys_of_the_right_kind(self) -> None:
        for log, witness in ((WITNESS_KEY, WITNESS_KEY), (LOG_KEY, LOG_KEY)):
            with pytest.raises(ValueError, match="reverse"):
                open_checkpoint(SIGNED, ORIGIN, [log.verifier], [witness.verifier])


class TestCosignatures:
    def test_say_who_saw_it_when(self) -> None:
        note = sign(CHECKPOINT.text, LOG_KEY).with_signatures(
            cosign(CHECKPOINT, WITNESS_KEY, AT), cosign(CHECKPOINT, SECOND_WITNESS, AT + 1)
        )
        keys = [WITNESS_KEY.verifier, SECOND_WITNESS.verifier]
        found = open_checkpoint(note.encode(), ORIGIN, [LOG_KEY.verifier], keys, quorum=2)
        assert found.checkpoint == CHECKPOINT
        assert found.cosigned == {keys[0]: AT, keys[1]: AT + 1}

    def test_by_strangers_do_not_count(self) -> None:
        stranger = SignerKey.generate("stranger", WITNESS)
        note = sign(CHECKPOINT.text, LOG_KEY).with_signatures(cosign(CHECKPOINT, stranger, AT))
        assert opened(note.encode(), quorum=0) == CHECKPOINT
        with pytest.raises(NotWitnessed, match="0 known"):
            opened(note.encode(), quorum=1)

    def test_by_one_witness_under_two_names_count_once(self) -> None:
        double = SignerKey("witness.example/double", WITNESS, WITNESS_KEY.secret)
        note = sign(CHECKPOINT.text, LOG_KEY).with_signatures(
            cosign(CHECKPOINT, WITNESS_KEY, AT), cosign(CHECKPOINT, double, AT)
        )
        keys = [WITNESS_KEY.verifier, double.verifier]
        with pytest.raises(NotWitnessed):
            open_checkpoint(note.encode(), ORIGIN, [LOG_KEY.verifier], keys, quorum=2)

    def test_are_of_one_time_and_one_checkpoint(self) -> None:
        mine = cosign(CHECKPOINT, WITNESS_KEY, AT)
        later = Signature(mine.name, mine.key_id, (AT + 1).to_bytes(8) + mine.value[8:])
        other = cosign(Checkpoint(ORIGIN, 9, CHECKPOINT.root), WITNESS_KEY, AT)
        for wrong in (later, other):
            with pytest.raises(WrongSignature, match="does not verify"):
                opened(sign(CHECKPOINT.text, LOG_KEY).with_signatures(wrong).encode())

    @pytest.mark.parametrize("at", [0, 2**63])
    def test_have_a_time(self, at: int) -> None:
        mine = cosign(CHECKPOINT, WITNESS_KEY, AT)
        wrong = Signature(mine.name, mine.key_id, at.to_bytes(8) + mine.value[8:])
        with pytest.raises(WrongSignature, match="no time"):
            opened(sign(CHECKPOINT.text, LOG_KEY).with_signatures(wrong).encode())
        with pytest.raises(ValueError, match="no time"):
            cosign(CHECKPOINT, WITNESS_KEY, at)

    def test_are_no_signatures_of_a_log_and_the_reverse(self) -> None:
        with pytest.raises(ValueError, match="witness"):
            cosign(CHECKPOINT, LOG_KEY, AT)
        (mine,) = sign(CHECKPOINT.text, LOG_KEY).signatures
        as_witness = Signature(WITNESS_KEY.name, WITNESS_KEY.verifier.id, mine.value)
        with pytest.raises(WrongSignature, match="length"):
            opened(sign(CHECKPOINT.text, LOG_KEY).with_signatures(as_witness).encode())


class TestTampering:
    def test_a_flipped_bit_is_found(self) -> None:
        reasons = set()
        for bit in range(len(SIGNED) * 8):
            tampered = bytearray(SIGNED)
            tampered[bit // 8] ^= 1 << bit % 8
            with pytest.raises(Unsound) as refused:
                opened(bytes(tampered))
            reasons.add(refused.value.reason)
        assert reasons == {"MalformedNote", "WrongSignature", "Unsigned", "NotWitnessed"}

    def test_a_missing_or_doubled_byte_is_found(self) -> None:
        for at in range(len(SIGNED)):
            for tampered in (SIGNED[:at] + SIGNED[at + 1 :], SIGNED[: at + 1] + SIGNED[at:]):
                with pytest.raises(Unsound):
                    opened(tampered)

    def test_a_missing_doubled_or_moved_line_is_found(self) -> None:
        lines = SIGNED.splitlines(keepends=True)
        for at in range(4):
            missing, doubled = lines[:at] + lines[at + 1 :], lines[: at + 1] + lines[at:]
            moved = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
            for tampered in (missing, doubled, moved):
                with pytest.raises(Unsound):
                    opened(b"".join(tampered))

    def test_signatures_stand_in_any_order(self) -> None:
        *text, log, witness = SIGNED.splitlines(keepends=True)
        assert opened(b"".join([*text, witness, log])) == opened(SIGNED)
        for tampered in ([*text, log], [*text, witness], [*text, log, log, witness]):
            with pytest.raises(Unsound):
                opened(b"".join(tampered))

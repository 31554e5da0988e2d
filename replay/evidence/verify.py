"""Verifies a bundle of evidence offline. Needs Python 3.11 and the package ``cryptography``.

    python verify.py BUNDLE --log-key KEY [--witness KEY]... [--quorum N] [--since CHECKPOINT]

The keys are those that you were given before and elsewhere, not those that the bundle names, and
CHECKPOINT is the file that you kept from your last audit. The exit code is 1 where anything does
not hold, with the name of the reason. Take this program from where you trust it: a copy lies in
each bundle, but who alters a bundle can alter the copy.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from base64 import b64decode, b64encode
from collections import namedtuple
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS, NONE = 1, 4, 0xFFFFFFFF
LEAF = struct.Struct(">QQqq16s16s16s11I")
LEAF_LABEL, HEAD_LABEL = b"rapport.event/1", b"rapport.head/1"
SEALS, COMMITTED = UUID("5ea15000-0000-8000-8000-000000000001"), b"seal.heads_committed/1"
Files = dict[str, bytes]
Key = namedtuple("Key", "name id kind public")
Checkpoint = namedtuple("Checkpoint", "origin size root witnessed")  # and when, by the pinned
Event = namedtuple("Event", "place stream version topic state previous hash")


class Refused(Exception):
    """The bundle does not show what it says."""


def refuse(reason: str, text: str) -> NoReturn:
    raise Refused(reason, text)


def load(folder: Path) -> Files:
    """The files of a bundle, once each of them is as the manifest lists it."""
    found = [it for it in folder.rglob("*") if not it.is_dir()]
    files = {it.relative_to(folder).as_posix(): it.read_bytes() for it in found}
    manifest = lines_of(files.pop("manifest", b""), "MalformedManifest")
    if any(one[66:] >= next_[66:] for one, next_ in pairwise(manifest)):
        refuse("MalformedManifest", "its lines are not in the order of the names")
    for line in manifest:
        if sha256(need(files, line[66:])).hexdigest() + "  " != line[:66]:
            refuse("FileAltered", f"{line[66:]} is not as the manifest has it")
    for name in files.keys() - {line[66:] for line in manifest}:
        refuse("UnlistedFile", f"{name} is not in the manifest")
    return files


def need(files: Files, name: str) -> bytes:
    return files[name] if name in files else refuse("MissingFile", f"there is no {name}")


def lines_of(data: bytes, reason: str) -> list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        refuse(reason, "it is not UTF-8")
    return text[:-1].split("\n") if text.endswith("\n") else refuse(reason, "a line has no end")


def number(text: str, reason: str) -> int:
    if not text.isascii() or not text.isdecimal() or str(int(text)) != text or len(text) > 18:
        refuse(reason, f"{text!r} is no number")
    return int(text)


def base64(text: str, reason: str, length: int = 0) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        refuse(reason, f"{text!r} is no base64")
    if b64encode(data).decode() != text or (length and len(data) != length):
        refuse(reason, f"{text!r} has another form or length")
    return data


def key_of(text: str, kind: int) -> Key:
    name, key_id, encoded = (*text.split("+", 2), "", "")[:3]
    material = base64(encoded, "MalformedKey", 33)
    known = sha256(name.encode() + b"\n" + material).digest()[:4]
    if material[0] != kind or known.hex() != key_id:
        refuse("MalformedKey", f"{text!r} is no key of that kind")
    return Key(name, known, kind, material[1:])


def check_signature(key: Key, text: str, signature: bytes) -> int:
    """Gives the time of a cosignature in seconds since 1970, 0 for a log's signature."""
    at = int.from_bytes(signature[:8]) if key.kind == WITNESS else 0
    if key.kind == WITNESS:
        text, signature = f"cosignature/v1\ntime {at}\n{text}", signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        refuse("WrongSignature", f"the signature of {key.name} does not verify")
    return at


def checkpoint_of(data: bytes, logs: Sequence[Key], witnesses: Sequence[Key] = ()) -> Checkpoint:
    """c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature."""
    text, _, rest = data.partition(b"\n\n")
    body, signed = lines_of(text + b"\n", "MalformedCheckpoint"), dict[Key, int]()
    for line in lines_of(rest, "MalformedNote"):
        dash, name, value = (*line.split(" "), "", "")[:3]
        raw = base64(value, "MalformedNote")
        if dash != "\N{EM DASH}" or line.count(" ") != 2 or len(raw) < 5:
            refuse("MalformedNote", "a line after the text is no signature")
        for key in (*logs, *witnesses):
            if (key.name, key.id) == (name, raw[:4]):
                if key in signed:
                    refuse("SignedTwice", f"{name} signed twice")
                signed[key] = check_signature(key, text.decode() + "\n", raw[4:])
    by = [key.name for key in logs if key in signed]
    if not by or body[0] not in by:
        refuse("Unsigned", f"no pinned key of a log of the name {body[0]!r} has signed")
    if len(body) != 3:
        refuse("MalformedCheckpoint", "it is not origin, size and root")
    size, root = number(body[1], "MalformedCheckpoint"), base64(body[2], "MalformedCheckpoint", 32)
    seen = {key.public: signed[key] for key in witnesses if key in signed}
    return Checkpoint(body[0], size, root, [*seen.values()])  # one under two names is one


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def climb(olds: bytes, new: bytes, at: int, last: int, path: Iterable[bytes]) -> Any:
    """Follows a path to the root; gives the old tree's root and the new one's."""
    for sibling in path:
        if not last:
            return None
        if at & 1 or at == last:
            olds, new = node(sibling, olds), node(sibling, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, sibling)
        at, last = at >> 1, last >> 1
    return None if last else (olds, new)


def check_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    shown = climb(leaf, leaf, index, size - 1, path) if 0 <= index < size else None
    if shown is None or shown[1] != root:
        refuse("NotIncluded", f"leaf {index} is not shown to be in the tree")


def check_consistent(old: Checkpoint, new: Checkpoint, proof: list[bytes]) -> None:
    fits = (old.size, old.root) == (new.size, new.root) and not proof
    if 0 < old.size < new.size and proof:
        path = proof if old.size & (old.size - 1) else [old.root, *proof]
        at, last = old.size - 1, new.size - 1
        while at & 1:
            at, last = at >> 1, last >> 1
        fits = climb(path[0], path[0], at, last, path[1:]) == (old.root, new.root)
    if not fits:
        refuse("NotConsistent", "the tree is not shown to begin with that of your checkpoint")


def root_of(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root_of(leaves[:left]), root_of(leaves[left:]))


def event_of(data: bytes, name: str, origin: str) -> Event:
    at = len(LEAF_LABEL) + LEAF.size
    if not data.startswith(LEAF_LABEL) or len(data) < at:
        refuse("MalformedLeaf", f"{name} is no event")
    position, version, _, _, stream, _, _, *lengths = LEAF.unpack_from(data, len(LEAF_LABEL))
    ends, parts = [at], list[bytes | None]()
    for length in lengths:
        ends.append(ends[-1] + (0 if length == NONE else length))
        parts.append(None if length == NONE else data[ends[-2] : ends[-1]])
    if ends[-1] != len(data) or parts[0] != origin.encode():
        refuse("MalformedLeaf", f"{name} is of another log, or not whole")
    if name != f"events/{position - 1:012}.bin":
        refuse("WrongPlace", f"{name} is the event at position {position}")
    topic, state, previous = parts[1] or b"", parts[2] or b"", parts[10]
    return Event(position - 1, UUID(bytes=stream), version, topic, state, previous, leaf_hash(data))


def events_of(files: Files, checkpoint: Checkpoint) -> Iterator[Event]:
    """V3: each event is in the tree, where and as it is shown."""
    for name in sorted(it for it in files if it.startswith("events/")):
        event = event_of(files[name], name, checkpoint.origin)
        proof = need(files, f"proofs/{event.place:012}.tlog-proof")
        head, _, note = proof.partition(b"\n\n")
        heading, *path = lines_of(head + b"\n", "MalformedProof")
        if heading != "c2sp.org/tlog-proof@v1" or path[:1] != [f"index {event.place}"]:
            refuse("MalformedProof", f"the proof of {name} has another form or index")
        if note != files["checkpoint"]:
            refuse("OtherCheckpoint", f"the proof of {name} brings a checkpoint of its own")
        hashes = [base64(it, "MalformedProof", 32) for it in path[1:]]
        check_included(event.hash, event.place, checkpoint.size, hashes, checkpoint.root)
        yield event


def check_streams(files: Files, events: list[Event]) -> str:
    """V5 and V6: each record's events are all there, up to the position of the heads."""
    heading, committed, *lines = lines_of(need(files, "stream-head"), "MalformedHead")
    said = [it for it in events if f"committed {it.place}" == committed]
    if heading != "rapport.stream-head/1" or [it[1:4:2] for it in said] != [(SEALS, COMMITTED)]:
        refuse("MalformedHead", "the log's event that says the heads is not shown")
    if lines != sorted(lines):
        refuse("MalformedHead", "the records are not in the order of their ids")
    heads = json.loads(said[0].state)
    shown, chains = 0, dict[str, list[Event]]()
    for event in events:
        if event.place != said[0].place:
            chains.setdefault(str(event.stream), []).append(event)
    for line in lines:
        stream, version, index, *path = line.split(" ")
        chain = chains.pop(stream, [])
        if [it.version for it in chain] != list(range(1, number(version, "MalformedHead") + 1)):
            refuse("StreamGap", f"of {stream} not all {version} events are shown, in their order")
        if [it.previous for it in chain] != [None, *(it.hash for it in chain)][:-1]:
            refuse("ChainBroken", f"an event of {stream} does not name the one before it")
        row = UUID(stream).bytes + len(chain).to_bytes(8) + chain[-1].hash
        hashes = [base64(it, "MalformedHead", 32) for it in path]
        root, at = base64(heads["root"], "MalformedHead", 32), number(index, "MalformedHead")
        check_included(leaf_hash(HEAD_LABEL + row), at, heads["streams"], hashes, root)
        shown += len(chain)
    if chains or not shown:
        refuse("HeadMissing", "of an event's record it is not shown that there is no newer event")
    return f"{len(lines)} records with {shown} events; no other up to position {heads['position']}"


def verify(
    files: Files, logs: list[Key], witnesses: list[Key], quorum: int, since: Path | None
) -> Iterator[str]:
    checkpoint = checkpoint_of(need(files, "checkpoint"), logs, witnesses)
    yield f"V1 signed by the log {checkpoint.origin}: {checkpoint.size} events"
    if len(checkpoint.witnessed) < quorum:
        refuse("NotWitnessed", f"{len(checkpoint.witnessed)} cosigned, {quorum} have to")
    times = [datetime.fromtimestamp(at, UTC).isoformat() for at in checkpoint.witnessed]
    yield f"V2 witnessed at {', '.join(times)}" if times else "V2 not asked: no witness is pinned"
    events = list(events_of(files, checkpoint))
    yield f"V3 {len(events)} events are in the tree, unchanged"
    if since is None:
        yield "V4 not asked: --since names the checkpoint of your last audit"
    else:
        old = checkpoint_of(since.read_bytes(), logs)
        proof = lines_of(need(files, "consistency"), "MalformedProof")
        hashes = [base64(it, "MalformedProof", 32) for it in proof if proof != [""]]
        check_consistent(old, checkpoint, hashes)
        yield f"V4 nothing was rewritten since there were {old.size} events"
    yield f"V5 and V6 {check_streams(files, events)}"
    if "leaves" in files:
        leaves = [files["leaves"][at : at + 32] for at in range(0, len(files["leaves"]), 32)]
        if len(leaves) != checkpoint.size or root_of(leaves) != checkpoint.root:
            refuse("RootDiffers", "the leaves do not add up to the root")
    yield f"V7 {'all leaves are there' if 'leaves' in files else 'not asked: no leaves in it'}"
    yield "V8 what was read is as it is stored: erased persons' events verify the same"


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies a bundle of evidence offline.")
    parser.add_argument("bundle", type=Path, nargs="?", default=Path(__file__).parent)
    parser.add_argument("--log-key", action="append", required=True, metavar="KEY")
    parser.add_argument("--witness", action="append", default=[], metavar="KEY")
    parser.add_argument("--quorum", type=int, help="all that are named unless given")
    parser.add_argument("--since", type=Path, metavar="CHECKPOINT")
    given = parser.parse_args()
    quorum = len(given.witness) if given.quorum is None else given.quorum
    try:
        logs = [key_of(it, LOG) for it in given.log_key]
        witnesses = [key_of(it, WITNESS) for it in given.witness]
        for line in verify(load(given.bundle), logs, witnesses, quorum, given.since):
            sys.stdout.write(f"{line}\n")
    except (Refused, ValueError, LookupError, TypeError, OSError) as no:
        named = no.args if isinstance(no, Refused) else ("Unreadable", str(no))
        sys.stdout.write(f"refused: {': '.join(named)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

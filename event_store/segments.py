"""The folder of sealed segments: Parquet files that never change, and the list of them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec

MANIFEST_FORMAT = 1
STRAY_SECONDS_MAX = 24 * 3600
"""How long a file that the manifest no longer names is left for those who still read it."""


class Segment(msgspec.Struct, frozen=True):
    """A run of the log in one file."""

    file: str
    first: int
    last: int
    rows: int
    sha256: str
    kinds: dict[str, str]
    """The names of the events in it, each with the digest of its fields."""


class Manifest(msgspec.Struct, frozen=True):
    """What the folder holds, of which log."""

    log: str
    """Tells this log from others: its first event."""
    segments: tuple[Segment, ...] = ()
    format: int = MANIFEST_FORMAT


class SegmentFolder:
    """Sealed segments on disk. Several processes may share one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time lists segments."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def manifest(self, log: str) -> Manifest:
        """The list of segments; an empty one where there is none, or one of another log."""
        try:
            found = msgspec.json.decode(self._manifest.read_bytes(), type=Manifest)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Manifest(log)
        if (found.log, found.format) != (log, MANIFEST_FORMAT):
            return Manifest(log)
        return found

    def stamp(self) -> tuple[int, int]:
        """Changes when the manifest does."""
        try:
            found = self._manifest.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_ino)

    def whole(self, segment: Segment) -> bool:
        """Whether the segment's file is there and is what was written."""
        try:
            with self.path(segment).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == segment.sha256
        except FileNotFoundError:
            return False

    def path(self, segment: Segment) -> Path:
        return self.folder / segment.file

    def draft(self, first: int) -> Path:
        """Where a segment is written before it is adopted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f".{first}-{uuid4().hex}.parquet"

    def adopt(
        self, draft: Path, first: int, last: int, rows: int, kinds: dict[str, str]
    ) -> Segment:
        """Gives a written segment its name, durably. It counts once a manifest lists it."""
        with draft.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        name = f"events-{first:012}-{sha256[:8]}.parquet"
        segment = Segment(name, first, last, rows, sha256, kinds)
        draft.replace(self.path(segment))
        return segment

    def write(self, manifest: Manifest) -> None:
        """Puts another list in place of the one before, whole or not at all."""
        draft = self.folder / f".manifest-{os.getpid()}"
        with draft.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._manifest)
        self._sync()
        self._sweep({s.file for s in manifest.segments})

    @property
    def _manifest(self) -> Path:
        return self.folder / "manifest.json"

    def _sync(self) -> None:
        """Makes renames durable, which only a sync of the folder does."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _sweep(self, listed: set[str]) -> None:
        """Deletes what a killed process or an older list has left behind, after a day."""
        old = time.time() - STRAY_SECONDS_MAX
        for file in self.folder.glob("*.parquet"):
            if file.name not in listed and file.stat().st_mtime < old:
                file.unlink(missing_ok=True)

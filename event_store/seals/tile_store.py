"""Where tiles and the newest checkpoint are kept. What is published stays as it is."""

from __future__ import annotations

import fcntl
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from event_store.seals.reasons import TileDiffers

CHECKPOINT = "checkpoint"


class TileStore(ABC):
    """Keeps tiles by their paths. Writing returns when what was written is durable."""

    @abstractmethod
    def read(self, path: str) -> bytes | None:
        """A tile, or None if there is none."""

    @abstractmethod
    def write(self, files: Mapping[str, bytes]) -> None:
        """Publishes tiles, each of them whole or not at all. One that is there already stays.

        Raises:
            TileDiffers: one is there with other content; nothing is written.
            OSError: they cannot be written.
        """

    @abstractmethod
    def drop_partials(self, path: str) -> None:
        """Forgets the partial tiles that a full one took the place of."""

    @abstractmethod
    def checkpoint(self) -> bytes | None:
        """The newest signed checkpoint, or None before the first."""

    @abstractmethod
    def publish(self, checkpoint: bytes) -> None:
        """Puts a newer checkpoint in place of the last, whole or not at all. Its tiles have to
        be written before.

        Raises:
            OSError: it cannot be written.
        """


class TileFolder(TileStore):
    """Tiles as files, in the layout in which a web server can serve them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, path: str) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, files: Mapping[str, bytes]) -> None:
        with self._locked() as drafts:
            fresh = [path for path, data in files.items() if not self._has(path, data)]
            for number, path in enumerate(fresh):
                _write(drafts / str(number), files[path])
            for number, path in enumerate(fresh):
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (drafts / str(number)).replace(self.folder / path)
            # Also of those that were there: who wrote them may not have come so far.
            self._sync(files)

    def drop_partials(self, path: str) -> None:
        shutil.rmtree(self.folder / f"{path}.p", ignore_errors=True)

    def checkpoint(self) -> bytes | None:
        return self.read(CHECKPOINT)

    def publish(self, checkpoint: bytes) -> None:
        with self._locked() as drafts:
            _write(drafts / CHECKPOINT, checkpoint)
            (drafts / CHECKPOINT).replace(self.folder / CHECKPOINT)
            self._sync([CHECKPOINT])

    def _has(self, path: str, data: bytes) -> bool:
        found = self.read(path)
        if found is not None and found != data:
            raise TileDiffers(f"{path} was published with other content")
        return found is not None

    @contextmanager
    def _locked(self) -> Iterator[Path]:
        """Only one at a time writes. Gives the folder of what is not published yet, from which
        a killed writer's files are overwritten by the next one."""
        drafts = self.folder / ".drafts"
        drafts.mkdir(exist_ok=True)
        with (drafts / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield drafts

    def _sync(self, paths: Iterable[str]) -> None:
        """Makes renames and new folders durable, which only a sync of their folders does."""
        folders = {self.folder}
        for path in paths:
            folders.update((self.folder / path).parents[: path.count("/")])
        for folder in folders:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())

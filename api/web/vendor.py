"""Other people's files that the pages need: fetched by ``npm pack``, pinned in ``vendor.lock``.

``python -m api.web.vendor`` fetches what the lock names and stores what has the right hash;
``python -m api.web.vendor --check`` compares what is stored, without a network.
Nothing of it runs, or needs, Node when the program runs.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "vendor.lock"

Read = Callable[[str], bytes]
"""Gives a file of a package by its path in it."""


class Unfit(Exception):
    """A file is not what the lock says."""


@dataclass(frozen=True)
class Package:
    """What is taken from one package of the npm registry."""

    name: str
    version: str
    licence: str
    into: str
    """The folder, from the root of the project, that ``<name>/<version>/`` is put in."""
    files: dict[str, str]
    """Path in the package to hash; stored under the last part of the path."""
    kept: dict[str, str] = field(default_factory=dict)
    """Files written here because the package lacks them, such as a licence, to hash."""
    icons: tuple[str, ...] = ()
    """Icons that are put together into one sprite."""
    sprite: str = ""
    """The hash of the sprite."""

    @property
    def folder(self) -> Path:
        return ROOT / self.into / self.name / self.version

    def stored(self) -> Iterator[tuple[Path, str]]:
        """Every file that is to be there, with its hash."""
        for path, wanted in (self.files | self.kept).items():
            yield self.folder / Path(path).name, wanted
        if self.icons:
            yield self.folder / "sprite.svg", self.sprite

    def made(self, read: Read) -> Iterator[tuple[Path, bytes]]:
        """Every file that comes out of the package, with its content."""
        for path in self.files:
            yield self.folder / Path(path).name, read(path)
        if self.icons:
            yield self.folder / "sprite.svg", sprite(self.icons, read)


def locked(lock: Path = LOCK) -> list[Package]:
    """The packages that the lock pins."""
    stated: list[dict[str, Any]] = tomllib.loads(lock.read_text("utf-8"))["package"]
    return [Package(**{**one, "icons": tuple(one.get("icons", ()))}) for one in stated]


def digest(content: bytes) -> str:
    """The hash in the notation of subresource integrity: ``sha384-…``."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def sprite(icons: tuple[str, ...], read: Read) -> bytes:
    """One SVG file with a symbol for each outline icon, to be shown by ``<use>``."""
    symbols = [_symbol(name, read(f"icons/outline/{name}.svg").decode()) for name in icons]
    body = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n'.encode()


def _symbol(name: str, svg: str) -> str:
    inner = re.sub(r"<!--.*?-->|</?svg[^>]*>", "", svg, flags=re.DOTALL)
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(inner.split(chr(10))).strip()}</symbol>'
    )


def wrong(packages: list[Package]) -> list[str]:
    """What is missing or not as locked, one sentence each."""
    return [
        complaint
        for package in packages
        for path, wanted in package.stored()
        if (complaint := _complaint(path, wanted))
    ]


def _complaint(path: Path, wanted: str) -> str | None:
    if not path.is_file():
        return f"{path.relative_to(ROOT)} is missing"
    found = digest(path.read_bytes())
    return None if found == wanted else f"{path.relative_to(ROOT)} is {found}, not {wanted}"


def fetch(package: Package) -> None:
    """Fetches a package and stores what the lock names.

    Raises:
        Unfit: a file has another hash; nothing of the package is stored then.
    """
    hashes = dict(package.stored())
    with tempfile.TemporaryDirectory() as folder:
        made = list(package.made(_reader(_pack(package, Path(folder)))))
    for path, content in made:
        if (found := digest(content)) != hashes[path]:
            raise Unfit(f"{package.name} {package.version}: {path.name} is {found}")
    package.folder.mkdir(parents=True, exist_ok=True)
    for path, content in made:
        path.write_bytes(content)


def _pack(package: Package, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise Unfit("npm is needed to fetch packages, and is not here")
    wanted = f"{package.name}@{package.version}"
    subprocess.run(  # noqa: S603  # the names come from our own lock
        [npm, "pack", "--silent", "--ignore-scripts", f"--pack-destination={folder}", wanted],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return next(folder.glob("*.tgz"))


def _reader(archive: Path) -> Read:
    with tarfile.open(archive) as packed:
        contents = {
            member.name: taken.read()
            for member in packed.getmembers()
            if (taken := packed.extractfile(member))
        }
    return lambda path: contents[f"package/{path}"]


def main(arguments: list[str]) -> int:
    packages = locked()
    if arguments != ["--check"]:
        for package in packages:
            fetch(package)
    complaints = wrong(packages)
    sys.stderr.writelines(f"{line}\n" for line in complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

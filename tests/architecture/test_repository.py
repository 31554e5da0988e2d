"""What is handed on: nothing of the machine it was made on, and nothing that is not pinned."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = sorted(ROOT.glob("requirements*.txt"))

MACHINE_PATH = re.compile(rb"(?<![\w.$}/-])/(?:work|root|home|Users|tmp)/[\w.]")
REGISTRY = re.compile(rb"https?://[^/\s]*(?:pypi|pythonhosted|artifactory|nexus|jfrog|npmjs)\b")
OWN_SOURCE = {"tests/architecture/test_repository.py"}


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    names = [name for name in done.stdout.split("\0") if name and name not in OWN_SOURCE]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def _found(pattern: re.Pattern[bytes], files: list[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {hit.group().decode(errors='replace')}"
        for file in files
        if (hit := pattern.search(file.read_bytes()))
    ]


def test_no_file_names_a_machine(tracked: list[Path]) -> None:
    text = [file for file in tracked if b"\0" not in file.read_bytes()[:8_000]]
    assert not _found(MACHINE_PATH, text)


def test_no_file_names_a_registry(tracked: list[Path]) -> None:
    assert not _found(REGISTRY, tracked)


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_requirements_are_pinned_with_hashes_and_name_no_index(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wanted = [line for line in lines if not line.startswith("#")]

    assert wanted
    assert all("==" in line and "--hash=sha256:" in line for line in wanted)
    assert not re.search(r"--(extra-)?index-url|--find-links|-i http", text)

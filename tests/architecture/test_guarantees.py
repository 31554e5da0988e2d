"""Each test that docs/guarantees.md leans on is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEANS_ON = re.findall(
    r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/guarantees.md").read_text()
)


def test_there_are_guarantees() -> None:
    assert LEANS_ON


@pytest.mark.parametrize(("file", "name"), LEANS_ON)
def test_a_promise_has_its_test(file: str, name: str) -> None:
    source = (ROOT / file).read_text()
    assert f"def {name or 'test_'}" in source

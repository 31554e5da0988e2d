"""Test vectors of others, which stand beside the real data sets."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def vectors(shared_data: Path) -> Path:
    """The folder of the test vectors."""
    folder = shared_data.parent / "vectors"
    if not folder.is_dir():
        pytest.skip("the test vectors are not here; they stand beside the real data sets")
    return folder

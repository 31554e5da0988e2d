"""What the tests of the import share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.importing.kit import Kit


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """An import in a folder of its own, into a log in memory."""
    return Kit(tmp_path)

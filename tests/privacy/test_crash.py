"""A crash of the server empties what its own log does not repeat; then it is made anew."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.main import Workspace
from api.settings import Settings
from commands.contacts import AddContact
from commands.desk import Actor, Ask
from projections import questions


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="crm-crash-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def names(opened: Workspace) -> list[str]:
    with opened.rows.connection() as conn:
        return sorted(row.last_name for row in questions.select(conn, "contacts"))


def test_views_are_made_anew_after_a_crash(folder: Path) -> None:
    with Workspace.open(Settings.read(data=folder), runner=False) as opened:
        for name in ("Young", "Zander"):
            opened.bus.dispatch(Ask(AddContact(last_name=name), Actor("ada")))
        opened.runner.catch_up()
        assert names(opened) == ["Young", "Zander"]
        postmaster = int((folder / "pgdata" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGKILL)

    with Workspace.open(Settings.read(data=folder), runner=True) as opened:
        assert opened.runner.wait_for(opened.store.head(), 30)
        assert names(opened) == ["Young", "Zander"]


def test_a_clean_stop_keeps_them(folder: Path) -> None:
    with Workspace.open(Settings.read(data=folder), runner=False) as opened:
        opened.bus.dispatch(Ask(AddContact(last_name="Young"), Actor("ada")))
        opened.runner.catch_up()
    with Workspace.open(Settings.read(data=folder), runner=False) as opened:
        assert names(opened) == ["Young"]
        assert {it.state for it in opened.runner.status()} == {"live"}

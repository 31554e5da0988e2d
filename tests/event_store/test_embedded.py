"""The embedded server comes up and goes away as its programs do, however they end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from event_store import embedded
from event_store.embedded import SERVER_USER, ServerFailed, embedded_postgres

PROGRAM = """
import sys
from pathlib import Path
from event_store.embedded import embedded_postgres

with embedded_postgres(Path(sys.argv[1])) as dsn:
    print(dsn, flush=True)
    sys.stdin.read()
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other users' rights")


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder that was used and left."""
    with tempfile.TemporaryDirectory() as parent:
        with embedded_postgres(Path(parent) / "data"):
            pass
        yield Path(parent) / "data"


@pytest.fixture
def new_folder() -> Iterator[Path]:
    """A folder that is not there yet, under one that only this user may enter."""
    with tempfile.TemporaryDirectory() as parent:
        yield Path(parent) / "data"


@pytest.fixture
def folder(made: Path, new_folder: Path) -> Path:
    """A copy of the used folder, under one that only this user may enter."""
    subprocess.run(["cp", "-a", made, new_folder], check=True)
    return new_folder


@contextmanager
def program(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program that has the server until its input ends."""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        yield other
        assert other.stdin
        other.stdin.close()
        other.wait()


def ready(other: subprocess.Popen[str]) -> str:
    """Waits until the program has the server; its DSN."""
    assert other.stdout
    return other.stdout.readline().strip()


def ask(dsn: str, question: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute(question.encode()).fetchone()
        return row[0] if row else None


def postmaster(folder: Path) -> int | None:
    """The process of the folder's server, if it runs."""
    try:
        pid = int((folder / "pgdata" / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pid


def kill(pid: int | None) -> None:
    """Ends a process without a word, and waits until it is gone."""
    assert pid
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/cwd").is_symlink():
        time.sleep(0.01)


def test_what_is_stored_stays(folder: Path) -> None:
    with embedded_postgres(folder) as dsn, psycopg.connect(dsn) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert postmaster(folder) is None
    with embedded_postgres(folder) as dsn:
        assert ask(dsn, "SELECT answer FROM kept") == 42


def test_it_is_durable_and_not_on_the_network(folder: Path) -> None:
    with embedded_postgres(folder) as dsn:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(dsn, f"SHOW {name}") == "on"
        assert ask(dsn, "SHOW data_checksums") == "on"
        assert ask(dsn, "SHOW listen_addresses") == ""
        assert str(ask(dsn, "SHOW server_version")).startswith("18.")
        assert (folder / "socket").stat().st_mode & 0o077 == 0
        assert (folder / "pgdata").stat().st_mode & 0o077 == 0


def test_programs_share_it_and_the_last_one_stops_it(folder: Path) -> None:
    with program(folder) as other:
        theirs = ready(other)
        with embedded_postgres(folder) as ours, embedded_postgres(folder) as again:
            assert ours == again == theirs
            first = postmaster(folder)
        assert ask(theirs, "SELECT 1") == 1
        assert postmaster(folder) == first
    assert postmaster(folder) is None


def test_several_may_come_and_go_at_once(new_folder: Path) -> None:
    root = Path(__file__).parents[2]
    code = PROGRAM.replace("sys.stdin.read()", "pass")
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(new_folder)], cwd=root, stdout=-3)
        for _ in range(4)
    ]
    assert [other.wait() for other in others] == [0, 0, 0, 0]
    assert postmaster(new_folder) is None


def test_after_a_killed_program_the_next_one_goes_on(folder: Path) -> None:
    with program(folder) as other:
        ready(other)
        kill_child(other)
    first = postmaster(folder)
    assert first
    with embedded_postgres(folder) as dsn:
        assert ask(dsn, "SELECT 1") == 1
        assert postmaster(folder) == first
    assert postmaster(folder) is None


def kill_child(other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()


def test_after_a_killed_server_the_next_one_recovers(folder: Path) -> None:
    with program(folder) as other:
        with psycopg.connect(ready(other)) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        kill_child(other)
        kill(postmaster(folder))
    with embedded_postgres(folder) as dsn:
        assert ask(dsn, "SELECT answer FROM kept") == 42


def test_a_process_that_has_the_old_servers_number_does_no_harm(folder: Path) -> None:
    with embedded_postgres(folder):
        pid_file = (folder / "pgdata" / "postmaster.pid").read_text()
    lines = pid_file.split("\n")
    stranger = ["sleep", "60"]
    user = (folder / "pgdata").stat().st_uid
    with subprocess.Popen(stranger, user=user if os.geteuid() == 0 else None, cwd="/") as alive:
        (folder / "pgdata" / "postmaster.pid").write_text("\n".join([str(alive.pid), *lines[1:]]))
        with embedded_postgres(folder) as dsn:
            assert ask(dsn, "SELECT 1") == 1
        assert alive.poll() is None
        alive.kill()


def test_a_folder_that_was_left_half_made_is_made_anew(new_folder: Path) -> None:
    (new_folder / "pgdata.new").mkdir(parents=True)
    (new_folder / "pgdata.new" / "PG_VERSION").write_text("18\n")
    with embedded_postgres(new_folder) as dsn:
        assert ask(dsn, "SELECT 1") == 1


def test_a_long_recovery_is_waited_for(folder: Path) -> None:
    """Also by a program that finds the server starting, its own starter having been killed."""
    data = folder / "pgdata"
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'sleep 0.5; false'\nhot_standby = off\n")
    with program(folder) as other:
        while postmaster(folder) is None:
            time.sleep(0.01)
        kill_child(other)
    with embedded_postgres(folder) as dsn:
        assert ask(dsn, "SELECT pg_is_in_recovery()") is False


def test_a_path_too_long_for_a_socket(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    with embedded_postgres(deep) as dsn:
        assert ask(dsn, "SELECT 1") == 1
        socket = psycopg.conninfo.conninfo_to_dict(dsn)["host"]
    assert str(socket).startswith(tempfile.gettempdir())
    shutil.rmtree(str(socket))


def test_data_of_another_version_is_named(folder: Path) -> None:
    (folder / "pgdata" / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerFailed, match="PostgreSQL 17"), embedded_postgres(folder):
        pass


def test_a_server_that_does_not_start_says_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(embedded.SETTINGS, "shared_buffers", "many")
    monkeypatch.setattr(embedded, "LAUNCHES_MAX", 1)
    with pytest.raises(ServerFailed, match="shared_buffers"), embedded_postgres(folder):
        pass


def test_a_folder_that_cannot_be_made_is_named(new_folder: Path) -> None:
    new_folder.parent.joinpath("file").touch()
    with (
        pytest.raises(ServerFailed, match="cannot be used"),
        embedded_postgres(new_folder.parent / "file" / "data"),
    ):
        pass


# --- Root and other users.


def as_ordinary_user(work: Callable[[], None]) -> None:
    """Runs a function in a child that is not root."""
    if os.geteuid() != 0:
        work()
        return
    nobody = pwd.getpwnam("nobody")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_an_ordinary_user_runs_it_as_himself() -> None:
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o777)

        def work() -> None:
            with embedded_postgres(Path(parent) / "data") as dsn:
                assert ask(dsn, "SELECT 1") == 1
                assert (Path(parent) / "data" / "pgdata").stat().st_uid == os.geteuid()

        as_ordinary_user(work)


@needs_root
def test_root_runs_it_as_another_user(folder: Path) -> None:
    with embedded_postgres(folder):
        server, user = Path(f"/proc/{postmaster(folder)}").stat(), pwd.getpwnam(SERVER_USER)
        assert (server.st_uid, server.st_gid) == (user.pw_uid, user.pw_gid)


@needs_root
def test_a_planted_link_is_not_followed(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (folder / "socket").rmdir()
    (folder / "socket").symlink_to(elsewhere)
    with pytest.raises(ServerFailed, match="another user"), embedded_postgres(folder):
        pass
    assert elsewhere.stat().st_uid == 0


@needs_root
def test_a_closed_parent_is_opened_to_the_server_alone(folder: Path) -> None:
    with embedded_postgres(folder):
        pass

    def work() -> None:
        with pytest.raises(PermissionError):
            folder.stat()
        with pytest.raises(PermissionError):
            list(folder.parent.iterdir())

    as_ordinary_user(work)


@needs_root
def test_another_users_folder_is_refused(folder: Path) -> None:
    folder.parent.chmod(0o755)

    def work() -> None:
        with pytest.raises(ServerFailed, match="cannot be used"), embedded_postgres(folder):
            pass

    as_ordinary_user(work)

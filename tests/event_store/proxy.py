"""A door to PostgreSQL that can fail at the worst moment."""

from __future__ import annotations

import contextlib
import select
import socket
from pathlib import Path
from threading import Lock, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo

PORT = 5432


class Proxy:
    """Passes bytes between programs and a server's socket. A connection on which COMMIT is sent
    while ``swallow`` or ``cut`` is above zero dies: after the server has carried it out and
    before the answer is passed on, or before the server hears of it."""

    def __init__(self, folder: Path, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        self._server = f"{given['host']}/.s.PGSQL.{given['port']}"
        self.dsn = make_conninfo(dsn, host=str(folder), port=PORT)
        self.swallow = 0
        self.cut = 0
        self.killed = 0
        self._lock = Lock()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(f"{folder}/.s.PGSQL.{PORT}")
        self._door.listen(64)
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Lets no one in any more; waits for those inside to leave."""
        self._door.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            self._threads.append(Thread(target=self._serve, args=(client,)))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server, contextlib.suppress(OSError):
            server.connect(self._server)
            while self._pass(client, server):
                pass

    def _pass(self, client: socket.socket, server: socket.socket) -> bool:
        """Moves what has come on either side. False when the connection is over."""
        for ready in select.select([client, server], [], [])[0]:
            data = ready.recv(1 << 16)
            if not data:
                return False
            if ready is server:
                client.sendall(data)
            elif b"COMMIT" not in data:
                server.sendall(data)
            elif self._take("cut"):
                return False
            else:
                server.sendall(data)
                if self._take("swallow"):
                    self._until_committed(client, server)
                    return False
        return True

    def _until_committed(self, client: socket.socket, server: socket.socket) -> None:
        said = b""
        while b"COMMIT\0" not in said:
            ready = select.select([client, server], [], [])[0]
            if server in ready:
                said += server.recv(1 << 16)
            if client in ready:
                server.sendall(client.recv(1 << 16))

    def _take(self, fault: str) -> bool:
        with self._lock:
            left: int = getattr(self, fault)
            setattr(self, fault, max(0, left - 1))
            self.killed += left > 0
            return left > 0

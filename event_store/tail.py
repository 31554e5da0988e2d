"""Knowing at once that the log has grown."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any

import psycopg
from psycopg import Connection

from event_store.journal import CHANNEL
from event_store.keyring import FORGET_CHANNEL

RECONNECT_SECONDS = 0.5


class Tail:
    """The newest position that is known here, and the word that keys have to be forgotten. One
    thread listens for all who wait; it starts with the first of them."""

    def __init__(
        self, connect: Callable[[], Connection[Any]], forget: Callable[[], None] = lambda: None
    ) -> None:
        self._connect, self._forget = connect, forget
        self._head = 0
        self._grown = Condition()
        self._thread: Thread | None = None
        self._closed = False
        self._wake_out, self._wake_in = os.pipe()

    def advance(self, head: int) -> None:
        """Says that the log has come this far."""
        with self._grown:
            if head > self._head:
                self._head = head
                self._grown.notify_all()

    def wait(self, after: int, timeout: float) -> int:
        """Waits for a position after the given one. Returns the newest one known, which may be
        older than the log where the wait timed out."""
        self.listen()
        with self._grown:
            self._grown.wait_for(lambda: self._head > after or self._closed, timeout)
            return self._head

    def listen(self) -> None:
        """Starts to listen, if that was not done before."""
        if self._thread is not None:
            return
        with self._grown:
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._run, name="tail", daemon=True)
                self._thread.start()

    def close(self) -> None:
        with self._grown:
            if self._closed:
                return
            self._closed = True
            self._grown.notify_all()
        os.write(self._wake_in, b"x")
        if self._thread is not None:
            self._thread.join()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _run(self) -> None:
        while not self._closed:
            try:
                with self._connect() as conn:
                    self._listen(conn)
            except psycopg.Error:
                self._forget()
                # After each reconnection it asks for the head, so nothing is missed.
                select.select([self._wake_out], [], [], RECONNECT_SECONDS)

    def _listen(self, conn: Connection[Any]) -> None:
        conn.execute(f"LISTEN {CHANNEL}".encode())
        conn.execute(f"LISTEN {FORGET_CHANNEL}".encode())
        self._forget()  # what was said before is not heard
        row = conn.execute("SELECT coalesce(max(notification_id), 0) FROM log.events").fetchone()
        self.advance(row[0] if row else 0)
        while not self._closed:
            for said in conn.notifies(timeout=0):
                if said.channel == FORGET_CHANNEL:
                    self._forget()
                elif said.payload.isdecimal():
                    self.advance(int(said.payload))
            select.select([conn.fileno(), self._wake_out], [], [])

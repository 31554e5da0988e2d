"""The program served over a real port, for tests that talk to it as others do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

START_SECONDS_MAX = 30


@contextmanager
def served(application: Any) -> Iterator[str]:
    """The address of a server that runs in a thread."""
    config = uvicorn.Config(application, port=0, log_config=None, ws="none", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + START_SECONDS_MAX
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        application.state.live.close()
        server.should_exit = True
        thread.join()

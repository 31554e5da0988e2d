"""An import as a program of its own, so that it can be killed.

Arguments: database, map, file for refused rows, rows in a chunk, files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from commands.bus import Bus
from commands.importing import load, run, running
from event_store.postgres import PostgresEventStore
from tests.commands.importing.kit import ACTOR
from tests.conftest import CLAIM_KEY, KEKS


def main(dsn: str, map_path: str, rejects: str, chunk: str, *files: str) -> None:
    running.CHUNK_ROWS = int(chunk)
    store = PostgresEventStore(dsn, claim_key=CLAIM_KEY, keks=KEKS)
    plan = load(Path(map_path), [Path(file) for file in files])
    run(plan, Bus(store), actor=ACTOR, rejects=Path(rejects))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

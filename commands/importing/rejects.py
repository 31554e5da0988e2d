"""The rows that were refused, kept in a file so that they can be put right and imported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from commands.importing.deciding import Verdict

HEADER = ("file", "line", "column", "reason", "row")


class Rejects:
    """A CSV file of refused rows: where, why, and the row as it was. It comes into being with
    the first of them, and can be cut back to what an interrupted import is known to have done."""

    def __init__(self, path: Path, length: int = 0) -> None:
        self.path = path
        self.length = min(length, path.stat().st_size) if path.exists() else 0
        """Bytes that are known to be right."""
        if self.length:
            with path.open("r+b") as file:
                file.truncate(self.length)
        else:
            path.unlink(missing_ok=True)

    def write(self, refused: Iterable[Verdict]) -> int:
        """Puts rows after what is known to be right. Returns the new length, to be set when
        the import has come that far."""
        rows = [_row(verdict) for verdict in refused]
        if not rows:
            return self.length
        text = _csv(rows if self.length else [HEADER, *rows]).encode()
        with self.path.open("r+b" if self.length else "wb") as file:
            file.seek(self.length)
            file.write(text)
            file.truncate()
        return self.length + len(text)


def _row(verdict: Verdict) -> tuple[str, ...]:
    original = _csv([verdict.cells]).rstrip("\r\n")
    return verdict.file, str(verdict.line), verdict.column or "", verdict.reason or "", original


def _csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()

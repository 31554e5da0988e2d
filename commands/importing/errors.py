"""What can be wrong with an import, and where."""

from __future__ import annotations


class ImportRefused(Exception):
    """The import cannot go on, or cannot begin. The text is the sentence for the user, with
    file, line and column where they are known, and says what has been imported."""

    nothing_done = False

    def __init__(
        self,
        file: str,
        message: str,
        *,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        self.file, self.message, self.line, self.column = file, message, line, column
        super().__init__(message)

    def __str__(self) -> str:
        end = "" if self.message.endswith(("?", ".")) else "."
        fate = " Nothing was imported." if self.nothing_done else ""
        return f"{place(self.file, self.line, self.column)}: {self.message}{end}{fate}"


class BadMap(ImportRefused):
    """The map cannot be used as it is."""

    nothing_done = True


class BadFile(ImportRefused):
    """A file cannot be read as the map says it should."""

    nothing_done = True


class BadRow(Exception):
    """One row is refused; the others go on. ``column`` is None where the row is at fault."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


def place(file: str, line: int | None = None, column: str | None = None) -> str:
    """``accounts.csv, line 7, column “revenue”``"""
    parts = [file]
    if line is not None:
        parts.append(f"line {line}")
    if column is not None:
        parts.append(f"column “{column}”")
    return ", ".join(parts)

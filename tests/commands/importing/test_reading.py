"""From the bytes of a file to rows, and what is said of bytes that are none."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

from commands.importing.errors import BadFile
from commands.importing.language import Table
from commands.importing.reading import BLOCK_BYTES, LINE_CHARS_MAX, Source

STEP = [{"command": "add-contact", "fields": {}}]


def _source(folder: Path, content: bytes | str, **table: Any) -> Source:
    path = folder / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source(path, Table.model_validate({"match": "*", "do": STEP} | table))


def _rows(folder: Path, content: bytes | str, **table: Any) -> list[tuple[int, list[str]]]:
    return [(row.line, row.cells) for row in _source(folder, content, **table).rows()]


def _refused(folder: Path, content: bytes | str, **table: Any) -> BadFile:
    source = _source(folder, content, **table)
    with pytest.raises(BadFile) as bad:
        list(source.rows())
    return bad.value


@pytest.mark.parametrize(
    ("content", "table"),
    [
        ("a,b\n1,ä\n2,y\n", {}),
        ("a,b\r\n1,ä\r\n2,y\r\n", {}),
        ("a,b\n1,ä\n2,y", {}),
        ("a,b\n\n1,ä\n \n2,y\n\n", {}),
        ("a;b\n1;ä\n2;y\n", {"separator": ";"}),
        ("a\tb\n1\tä\n2\ty\n", {"separator": "tab"}),
        (" a  b\n 1  ä\n\t2 y\r\n", {"separator": "whitespace"}),
        ("a,b\n'1','ä'\n2,y\n", {"quote": "'"}),
        ("\ufeffa,b\n1,ä\n2,y\n", {}),
        ("a,b\n1,ä\n2,y\n".encode("windows-1252"), {"encoding": "windows-1252"}),
        ("a,b\n1,ä\n2,y\n".encode("utf-16"), {}),
        ("exported today\nby ada\na,b\n1,ä\n2,y\n", {"skip": 2}),
        ("# a comment\na,b\n1,ä\n# another\n2,y\n", {"comment": "#"}),
        ("1,ä\n2,y\n", {"header": False, "names": ["a", "b"]}),
    ],
)
def test_a_file_is_read(tmp_path: Path, content: bytes | str, table: dict[str, Any]) -> None:
    source = _source(tmp_path, content, **table)
    assert source.header().cells == ["a", "b"]
    assert [row.cells for row in source.rows()] == [["1", "ä"], ["2", "y"]]


def test_rows_know_the_line_that_they_begin_in(tmp_path: Path) -> None:
    text = 'a,b\n\n1,"two\nlines\n\n# no comment"\n2,x\n'
    assert _rows(tmp_path, text, comment="#") == [
        (3, ["1", "two\nlines\n\n# no comment"]),
        (7, ["2", "x"]),
    ]


def test_quotes_may_be_switched_off(tmp_path: Path) -> None:
    assert _rows(tmp_path, 'a,b\n"1,x\n', quote="") == [(2, ['"1', "x"])]


def test_a_letter_may_be_cut_by_a_block(tmp_path: Path) -> None:
    text = "a,b\n" + "é" * (BLOCK_BYTES // 2) + ",1\nx,2\n"
    rows = _rows(tmp_path, text)
    assert [(line, cells[1]) for line, cells in rows] == [(2, "1"), (3, "2")]


@pytest.mark.parametrize(
    ("content", "table", "line", "column", "message"),
    [
        (b"PK\x03\x04\0\0\0", {}, 1, None, "there is a zero byte"),
        (b"\x89\xf0\xffgarbage", {}, 1, None, "byte 1 of the file (0x89) is no utf-8 text"),
        (b"a,b\n1,x\n2,M\xfcller\n", {}, 3, "b", "byte 12 of the file (0xfc) is no utf-8 text"),
        (b"a,b\n1,x\n2,y\0z\n", {}, 3, "b", "there is a zero byte"),
        ('a,b\n1,x\n"2,y\n3,z\n', {}, 3, "a", 'a quote (") is opened here and never closed'),
        ('a,b\n1,x\n2,"y"z\n', {}, 3, "b", "the quotes of this row cannot be followed"),
        ("a,b\r1,x\r", {}, 1, None, "a line ends with a bare carriage return"),
        (b"a,b\n1,\xfc\n", {"encoding": "ascii"}, 2, "b", "is no ascii text"),
        (b"1 x\n2 \xfc\n", {"separator": "whitespace", "header": False, "names": ["a", "b"]},
         2, "a", "is no utf-8 text"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_rows(
    tmp_path: Path,
    content: bytes | str,
    table: dict[str, Any],
    line: int,
    column: str | None,
    message: str,
) -> None:
    bad = _refused(tmp_path, content, **table)
    assert message in str(bad)
    assert (bad.line, bad.column) == (line, column)
    assert str(bad).endswith("Nothing was imported.")


def test_an_open_quote_does_not_swallow_a_big_file(tmp_path: Path) -> None:
    bad = _refused(tmp_path, 'a,b\n1,"x\n' + "2,y\n" * 100_000)
    assert 'longer than 131,072 characters; is a quote (") opened here' in str(bad)
    assert (bad.line, bad.column) == (2, "b")


def test_an_empty_file_has_no_header(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="the file is empty"):
        _source(tmp_path, "\n\n").header()


def test_a_line_without_end_is_given_up_in_bounded_memory(tmp_path: Path) -> None:
    source = _source(tmp_path, "a,b\n1,x\n")
    with source.path.open("ab") as file:
        file.write(b"2,")
        for _ in range(200):
            file.write(b"x" * 1_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadFile, match=f"longer than {LINE_CHARS_MAX:,} characters") as bad:
        list(source.rows())
    assert (bad.value.line, bad.value.column) == (3, "b")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB

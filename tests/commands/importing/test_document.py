"""YAML that remembers its lines and takes scalars for what they look like."""

from __future__ import annotations

import pytest

from commands.importing.document import NODES_MAX, read_document
from commands.importing.errors import BadMap


def _data(text: str) -> object:
    return read_document("map.yaml", text).data


def test_plain_scalars_mean_what_they_look_like() -> None:
    text = "a: NO\nb: yes\nc: 12:00\nd: 2016-02-29\ne: 007\nf: 1.5\ng: true\nh: null\ni: 12\nj: ''"
    assert _data(text) == {
        "a": "NO",
        "b": "yes",
        "c": "12:00",
        "d": "2016-02-29",
        "e": "007",
        "f": 1.5,
        "g": True,
        "h": None,
        "i": 12,
        "j": "",
    }


def test_each_part_knows_its_line() -> None:
    document = read_document("map.yaml", "a: 1\nb:\n  - c: 2\n    d: 3\n")
    assert document.line(("b", 0, "d")) == 4
    assert document.line(("b", 0)) == 3


def test_a_step_that_is_not_there_is_passed_over() -> None:
    document = read_document("map.yaml", "a: 1\nb:\n  - c: 2\n    d: 3\n")
    assert document.line(("b", 0, "alternative", "d", "deeper")) == 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [1, 2\n", 3, "not readable as YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "the key “a” is here twice"),
        ("? [a, b]\n: 1\n", 1, "a key has to be one word"),
        ("", None, "the map is empty"),
        ("a: !!python/object:os.system x\n", 1, "cannot be read"),
        ("a: \x01\n", None, "not readable as YAML"),
    ],
)
def test_what_is_no_map_is_said_with_its_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(BadMap, match=message) as bad:
        read_document("map.yaml", text)
    assert bad.value.line == line


def test_anchors_cannot_blow_a_map_up() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
    )
    with pytest.raises(BadMap, match=f"more than {NODES_MAX:,} parts"):
        read_document("map.yaml", laughs)


def test_a_map_within_itself_is_refused() -> None:
    with pytest.raises(BadMap, match="within itself"):
        read_document("map.yaml", "a: &a [*a]\n")

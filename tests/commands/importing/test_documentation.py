"""``docs/importing.md`` speaks of the import as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands.importing import document, language, plan, reading, running
from tests.commands.importing.kit import Kit

TEXT = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")


def test_its_map_is_a_map(kit: Kit) -> None:
    (map_text,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    rows = "number,customer,date,amount\n1,Ada,31.12.2020,1\n"
    (verdict,) = kit.verdicts(map_text, {"orders.csv": rows})
    assert verdict.kind == "new"


@pytest.mark.parametrize(
    "limit",
    [
        reading.LINE_CHARS_MAX,
        reading.CELL_CHARS_MAX,
        plan.SORT_ROWS_MAX,
        running.CHUNK_ROWS,
        language.STEPS_MAX,
        document.MAP_CHARS_MAX,
        document.NODES_MAX,
    ],
)
def test_its_limits_are_the_limits(limit: int) -> None:
    assert re.search(rf"(?<!\d)(?<!\d,){limit:,}(?!,?\d)", TEXT)


@pytest.mark.parametrize("part", [language.Map, language.Table, language.Column, language.Step])
def test_it_explains_every_word(part: type[language.Part]) -> None:
    missing = [word for word in part.model_fields if f"`{word}`" not in TEXT]
    assert not missing

from __future__ import annotations

import pytest

from domain.kernel import fold
from domain.seals import SEAL, HeadsGoBack, SealHeadsCommitted, Seals, commit_heads, evolve


def test_heads_are_said_once_for_each_position() -> None:
    first = commit_heads(SEAL.blank, position=3, streams=2, root="r")
    assert first == [SealHeadsCommitted(position=3, streams=2, root="r")]
    seals = fold(evolve, SEAL.blank, first)
    assert seals == Seals(3, 2)
    assert commit_heads(seals, position=3, streams=2, root="r") == []
    assert commit_heads(seals, position=4, streams=2, root="s")


@pytest.mark.parametrize(("position", "streams"), [(2, 2), (4, 1)])
def test_neither_the_log_nor_its_records_become_fewer(position: int, streams: int) -> None:
    with pytest.raises(HeadsGoBack):
        commit_heads(Seals(3, 2), position=position, streams=streams, root="r")

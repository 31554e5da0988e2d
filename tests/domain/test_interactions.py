from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.interactions import (
    Interaction,
    InteractionCorrected,
    InteractionRecorded,
    correct,
    evolve,
)
from domain.kernel import fold

words = st.none() | st.sampled_from(["held", "missed", "left word"])
recorded = st.builds(
    InteractionRecorded,
    channel=st.sampled_from(["call", "email"]),
    direction=st.sampled_from(["in", "out"]),
    contact=st.uuids(version=4),
    kind=words,
    subject=words,
)
emptied = st.lists(st.sampled_from(["url", "body", "case"]), max_size=2).map(tuple)
corrected = st.builds(
    InteractionCorrected,
    channel=st.none() | st.sampled_from(["call", "email"]),
    kind=words,
    subject=words,
    cleared=emptied,
)


@given(recorded, corrected)
def test_correcting_twice_changes_once(
    fact: InteractionRecorded, correction: InteractionCorrected
) -> None:
    it = fold(evolve, Interaction(), [fact])
    after = fold(evolve, it, correct(it, correction))
    assert correct(after, correction) == []


@given(recorded, corrected)
def test_a_correction_tells_all_of_the_difference_and_nothing_else(
    fact: InteractionRecorded, correction: InteractionCorrected
) -> None:
    it = fold(evolve, Interaction(), [fact])
    news = correct(it, correction)

    assert fold(evolve, it, news) == fold(evolve, it, [correction])
    assert bool(news) == (fold(evolve, it, news) != it)

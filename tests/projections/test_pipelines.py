"""The rows of pipelines."""

from __future__ import annotations

from domain.pipelines import PipelineDefined, PipelineRenamed, PipelineStagesChanged, Stage
from tests.given import row

SALES = PipelineDefined(name="Sales", stages=(Stage("New"),))


def test_a_row_has_the_stages_in_their_order() -> None:
    stages = (Stage("Talk", probability=0.2), Stage("Offer", probability=0.5), Stage("Won", "won"))
    it = row(
        "pipelines", SALES, PipelineRenamed(name="Deals"), PipelineStagesChanged(stages=stages)
    )
    assert (it.name, it.stages, it.version) == ("Deals", stages, 3)


def test_without_a_beginning_there_is_no_row() -> None:
    assert row("pipelines", PipelineRenamed(name="Deals")) is None

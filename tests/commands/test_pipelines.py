"""Pipelines: defined with stages, renamed, given other stages."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from commands.pipelines import ChangeStages, DefinePipeline, RenamePipeline, StageInput
from domain.pipelines import (
    STAGES_MAX,
    NoSuchPipeline,
    PipelineDefined,
    PipelineExists,
    PipelineRenamed,
    PipelineStagesChanged,
    Stage,
    StagesUnfit,
)
from tests.given import STREAM, given

SALES = PipelineDefined(name="Sales", stages=(Stage("New"), Stage("Won", "won", 1.0)))
STAGES = [StageInput(name="New"), StageInput(name="Won", kind="won", probability=1)]
OTHERS = [StageInput(name="Talk")]


def test_a_pipeline_is_defined_once() -> None:
    ask = DefinePipeline(pipeline=STREAM, name="Sales", stages=STAGES)
    given().when(ask).then(SALES).concerning()
    given(SALES).when(ask).then()


def test_another_definition_is_refused() -> None:
    given(SALES).when(DefinePipeline(pipeline=STREAM, name="Sales", stages=OTHERS)).refused(
        PipelineExists
    )


@pytest.mark.parametrize(
    "stages",
    [
        [StageInput(name="New"), StageInput(name="New")],
        [StageInput(name="Won", kind="won")],
    ],
)
def test_stages_differ_and_one_is_open(stages: list[StageInput]) -> None:
    given().when(DefinePipeline(pipeline=STREAM, name="S", stages=stages)).refused(StagesUnfit)
    given(SALES).when(ChangeStages(pipeline=STREAM, stages=stages)).refused(StagesUnfit)


def test_a_pipeline_is_renamed_once() -> None:
    given(SALES).when(RenamePipeline(pipeline=STREAM, name="Deals")).then(
        PipelineRenamed(name="Deals")
    )
    given(SALES).when(RenamePipeline(pipeline=STREAM, name="Sales")).then()
    given().when(RenamePipeline(pipeline=STREAM, name="Sales")).refused(NoSuchPipeline)


def test_stages_change_if_they_are_others() -> None:
    given(SALES).when(ChangeStages(pipeline=STREAM, stages=OTHERS)).then(
        PipelineStagesChanged(stages=(Stage("Talk"),))
    )
    given(SALES).when(ChangeStages(pipeline=STREAM, stages=STAGES)).then()
    given().when(ChangeStages(pipeline=STREAM, stages=STAGES)).refused(NoSuchPipeline)


def test_who_saw_an_old_version_hears_of_it() -> None:
    given(SALES, PipelineRenamed(name="Deals")).when(
        RenamePipeline(pipeline=STREAM, name="Sales"), seen=1
    ).conflicts()


def test_a_pipeline_has_stages_and_not_too_many() -> None:
    for count in (0, STAGES_MAX + 1):
        stages = [StageInput(name=str(n)) for n in range(count)]
        with pytest.raises(ValidationError):
            DefinePipeline(name="Sales", stages=stages)
    with pytest.raises(ValidationError):
        StageInput(name="New", probability=1.1)

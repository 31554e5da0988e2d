"""What one may ask of a pipeline."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from commands.desk import Desk
from commands.fields import Name
from commands.registry import Command, handles
from domain import pipelines
from domain.kernel import new_id
from domain.pipelines import PIPELINE, STAGES_MAX, Stage, StageKind


class StageInput(BaseModel):
    """A step of a pipeline."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Name
    kind: StageKind = "open"
    probability: float | None = Field(default=None, ge=0, le=1)


Stages = list[StageInput]


class DefinePipeline(Command, name="define-pipeline"):
    """Defines a pipeline and its stages."""

    pipeline: UUID = Field(default_factory=new_id)
    name: Name
    stages: Stages = Field(min_length=1, max_length=STAGES_MAX)


class RenamePipeline(Command, name="rename-pipeline"):
    """Gives a pipeline another name."""

    pipeline: UUID
    name: Name


class ChangeStages(Command, name="change-stages"):
    """Replaces the stages of a pipeline."""

    pipeline: UUID
    stages: Stages = Field(min_length=1, max_length=STAGES_MAX)


def _stages(given: Stages) -> tuple[Stage, ...]:
    return tuple(Stage(s.name, s.kind, s.probability) for s in given)


@handles(DefinePipeline)
def define_pipeline(ask: DefinePipeline, desk: Desk) -> None:
    desk.change(
        PIPELINE,
        ask.pipeline,
        lambda it: pipelines.define(it, name=ask.name, stages=_stages(ask.stages)),
    )


@handles(RenamePipeline)
def rename_pipeline(ask: RenamePipeline, desk: Desk) -> None:
    desk.change(PIPELINE, ask.pipeline, lambda it: pipelines.rename(it, name=ask.name))


@handles(ChangeStages)
def change_stages(ask: ChangeStages, desk: Desk) -> None:
    desk.change(
        PIPELINE, ask.pipeline, lambda it: pipelines.change_stages(it, stages=_stages(ask.stages))
    )

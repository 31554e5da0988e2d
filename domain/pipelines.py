"""A pipeline: the stages that opportunities of one kind pass through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never

import msgspec

from domain.kernel import Aggregate, Event, Refused, event

STAGES_MAX = 30

StageKind = Literal["open", "won", "lost"]


class Stage(msgspec.Struct, frozen=True):
    """A step of a pipeline. ``probability`` is the chance to win from here, 0 to 1."""

    name: str
    kind: StageKind = "open"
    probability: float | None = None


# --- Events: stored as written; change them only by adding a version.


@event("pipeline.defined", summary="defined pipeline “{name}”")
class PipelineDefined(Event):
    name: str
    stages: tuple[Stage, ...]


@event("pipeline.renamed", summary="renamed to “{name}”")
class PipelineRenamed(Event):
    name: str


@event("pipeline.stages_changed", summary="changed the stages")
class PipelineStagesChanged(Event):
    stages: tuple[Stage, ...]


PipelineEvent = PipelineDefined | PipelineRenamed | PipelineStagesChanged

# --- State: only what a decision needs.


@dataclass(frozen=True, slots=True)
class Pipeline:
    name: str | None = None
    stages: tuple[Stage, ...] = ()

    def stage(self, name: str) -> Stage | None:
        """The stage of that name."""
        return next((s for s in self.stages if s.name == name), None)


def evolve(pipeline: Pipeline, fact: PipelineEvent) -> Pipeline:
    match fact:
        case PipelineDefined():
            return Pipeline(fact.name, fact.stages)
        case PipelineRenamed():
            return replace(pipeline, name=fact.name)
        case PipelineStagesChanged():
            return replace(pipeline, stages=fact.stages)
        case _:
            assert_never(fact)


PIPELINE = Aggregate("pipeline", Pipeline(), evolve)


# --- Decisions: state in, events out, or Refused. Never called on replay.


class NoSuchPipeline(Refused):
    """There is no such pipeline."""


class PipelineExists(Refused):
    """This pipeline is defined already, with other stages. Change its stages instead."""


class StagesUnfit(Refused):
    """The stages of a pipeline need different names and at least one open stage."""


def define(pipeline: Pipeline, *, name: str, stages: tuple[Stage, ...]) -> list[PipelineEvent]:
    _check(stages)
    if pipeline.name is None:
        return [PipelineDefined(name=name, stages=stages)]
    if (pipeline.name, pipeline.stages) != (name, stages):
        raise PipelineExists
    return []


def rename(pipeline: Pipeline, *, name: str) -> list[PipelineEvent]:
    if pipeline.name is None:
        raise NoSuchPipeline
    return [] if pipeline.name == name else [PipelineRenamed(name=name)]


def change_stages(pipeline: Pipeline, *, stages: tuple[Stage, ...]) -> list[PipelineEvent]:
    if pipeline.name is None:
        raise NoSuchPipeline
    _check(stages)
    return [] if pipeline.stages == stages else [PipelineStagesChanged(stages=stages)]


def _check(stages: tuple[Stage, ...]) -> None:
    names = {s.name for s in stages}
    if len(names) < len(stages) or not any(s.kind == "open" for s in stages):
        raise StagesUnfit(field="stages")

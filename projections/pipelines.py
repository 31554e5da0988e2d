"""Pipelines as people look at them: one row each, with the stages in their order."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from domain.kernel import Recorded
from domain.pipelines import PipelineDefined, PipelineRenamed, PipelineStagesChanged, Stage
from projections.kit import Key, View, view


class PipelineRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    name: str
    stages: tuple[Stage, ...]
    defined_at: datetime
    changed_at: datetime


@view
class Pipelines(View[PipelineRow]):
    name = "pipelines"
    version = 1
    row = PipelineRow
    reads = (PipelineDefined, PipelineRenamed, PipelineStagesChanged)

    def evolve(self, row: PipelineRow | None, it: Recorded[Any], key: Key) -> PipelineRow | None:
        at = it.occurred_at
        if isinstance(it.event, PipelineDefined):
            return PipelineRow(
                id=it.stream, version=it.version, defined_at=at, changed_at=at, **asdict(it.event)
            )
        if row is None:
            return None
        return replace(row, **asdict(it.event), version=it.version, changed_at=at)

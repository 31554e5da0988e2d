/*
title: Pipeline flow
definition: >
  What moved between two days: for each stage how many opportunities were open in it at the start,
  how many entered it, how many left it and for what, and how many were open in it at the end. The
  start and what entered, less what left, is the end.
source: entries and exits of stages between two moments, over stage history
settings:
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  since: {kind: day, doc: The first day; by default 30 days before the end}
  until: {kind: day, doc: The first day after the end; by default the cut or now}
  pipeline: {doc: Name of one pipeline; none means all}
columns:
  pipeline: {doc: Name of the pipeline}
  stage: {doc: Name of the stage}
  place: {doc: Place of the stage in the pipeline}
  open_at_start: {unit: opportunities, doc: Open in the stage when the first day began}
  entered: {unit: stays, doc: Came into the stage}
  moved_on: {unit: stays, doc: Left it for another stage}
  won: {unit: stays, doc: Left it as won}
  lost: {unit: stays, doc: Left it as lost}
  open_at_end: {unit: opportunities, doc: Open in the stage when the last day had ended}
*/
WITH asked AS (
    SELECT
        until,
        coalesce($since::TIMESTAMP, until - INTERVAL 30 DAY) AS since
    FROM (
        SELECT coalesce(
            $until::TIMESTAMP,
            ($as_of::TIMESTAMPTZ AT TIME ZONE $zone) + INTERVAL 1 MICROSECOND
        ) AS until
    )
),
stages AS (
    SELECT id AS pipeline, unnest(stages).name AS stage, generate_subscripts(stages, 1) AS place
    FROM pipelines
),
stays AS (
    SELECT
        pipeline,
        stage,
        entered_at AT TIME ZONE $zone AS entered,
        -- What was entered afterwards may seem to have left before it came.
        if(left_at IS NULL, 'infinity', greatest(left_at, entered_at) AT TIME ZONE $zone) AS gone,
        left_for
    FROM stage_spans
)
SELECT
    p.name AS pipeline,
    stays.stage,
    any_value(stages.place) AS place,
    count(*) FILTER (entered < since AND gone >= since) AS open_at_start,
    count(*) FILTER (entered >= since AND entered < until) AS entered,
    count(*) FILTER (gone >= since AND gone < until AND left_for NOT IN ('won', 'lost'))
        AS moved_on,
    count(*) FILTER (gone >= since AND gone < until AND left_for = 'won') AS won,
    count(*) FILTER (gone >= since AND gone < until AND left_for = 'lost') AS lost,
    count(*) FILTER (entered < until AND gone >= until) AS open_at_end
FROM stays CROSS JOIN asked
LEFT JOIN pipelines AS p ON p.id = stays.pipeline
LEFT JOIN stages ON stages.pipeline = stays.pipeline AND stages.stage = stays.stage
WHERE $pipeline::VARCHAR IS NULL OR p.name = $pipeline
GROUP BY stays.pipeline, p.name, stays.stage
ORDER BY p.name, stays.pipeline, place NULLS LAST, stays.stage

-- excluded:
SELECT 'stays in other pipelines' AS why, count(*) AS rows
FROM stage_spans
WHERE $pipeline::VARCHAR IS NOT NULL
    AND pipeline NOT IN (SELECT id FROM pipelines WHERE name = $pipeline)

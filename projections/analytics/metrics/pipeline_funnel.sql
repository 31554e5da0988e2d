/*
title: Pipeline funnel
definition: >
  Of the opportunities that were opened in the days asked for: how many ever came to each stage,
  wherever they are now. Visited counts those that were in the stage itself; reached also those
  that went past it, and those that were won. It is no picture of where things stand today, which
  is the open pipeline. With a window of days, only what happened within that many days of the opening
  counts, and opportunities that have not had so long yet are left out.
source: the cohort funnel of a pipeline, over stage history
settings:
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  since: {kind: day, doc: First day of opening; none means from the beginning}
  until: {kind: day, doc: First day of opening that counts no longer}
  pipeline: {doc: Name of one pipeline; none means all}
  within_days: {kind: integer, least: 1, most: 3650, doc: The window from the opening}
columns:
  pipeline: {doc: Name of the pipeline}
  stage: {doc: Name of the stage; the last row of a pipeline is won}
  place: {doc: Place of the stage in the pipeline}
  opened: {unit: opportunities, doc: The cohort}
  visited: {unit: opportunities, doc: Were in the stage at some time}
  reached: {unit: opportunities, doc: "Were in it, in a later one, or won"}
  share_of_opened: {unit: share, doc: reached / opened}
  share_of_previous: {unit: share, doc: reached / reached of the stage before}
  still_there: {unit: opportunities, doc: Open in the stage}
  lost_here: {unit: opportunities, doc: Lost from the stage}
  median_days: {unit: days, doc: Median of the stays in the stage that have ended}
*/
WITH cohort AS (
    SELECT
        *,
        coalesce(
            opened_at + to_days($within_days::INTEGER), 'infinity'::TIMESTAMPTZ
        ) AS window_ends
    FROM opportunities
    WHERE opened_at AT TIME ZONE $zone >= coalesce($since::TIMESTAMP, '-infinity')
        AND opened_at AT TIME ZONE $zone < coalesce($until::TIMESTAMP, 'infinity')
        AND (
            $within_days::INTEGER IS NULL
            OR opened_at + to_days($within_days::INTEGER) <= $as_of::TIMESTAMPTZ
        )
        AND (
            $pipeline::VARCHAR IS NULL
            OR pipeline IN (SELECT id FROM pipelines WHERE name = $pipeline)
        )
),
stages AS (
    SELECT pipeline, name AS pipeline_name, stage.name AS stage, place
    FROM (
        SELECT
            id AS pipeline, name, unnest(stages) AS stage, generate_subscripts(stages, 1) AS place
        FROM pipelines
    )
    WHERE stage.kind IS NULL OR stage.kind = 'open'
),
stays AS (
    SELECT
        c.id, c.pipeline, s.stage, stages.place,
        epoch(s.left_at - s.entered_at) / 86400 AS days
    FROM cohort AS c
    JOIN stage_spans AS s ON s.opportunity = c.id AND s.entered_at <= c.window_ends
    LEFT JOIN stages ON stages.pipeline = c.pipeline AND stages.stage = s.stage
),
outcomes AS (
    SELECT
        c.id, c.pipeline, c.stage,
        if(c.closed_at <= c.window_ends, c.status, 'open') AS status,
        max(stays.place) AS furthest
    FROM cohort AS c LEFT JOIN stays ON stays.id = c.id
    GROUP BY ALL
),
steps AS (
    SELECT * FROM stages
    UNION ALL
    SELECT DISTINCT pipeline, pipeline_name, 'won', max(place) OVER (PARTITION BY pipeline) + 1
    FROM stages
),
counted AS (
    SELECT
        steps.pipeline,
        steps.pipeline_name,
        steps.stage,
        steps.place,
        count(*) AS opened,
        count(*) FILTER (o.status = 'won' OR o.furthest >= steps.place) AS reached,
        count(*) FILTER (o.status = 'open' AND o.stage = steps.stage) AS still_there,
        count(*) FILTER (o.status = 'lost' AND o.stage = steps.stage) AS lost_here
    FROM steps JOIN outcomes AS o ON o.pipeline = steps.pipeline
    GROUP BY ALL
),
visits AS (
    SELECT pipeline, stage, count(DISTINCT id) AS visited, median(days) AS median_days
    FROM stays
    GROUP BY pipeline, stage
)
SELECT
    counted.pipeline_name AS pipeline,
    counted.stage,
    counted.place,
    opened,
    if(counted.place = max(counted.place) OVER its, reached, coalesce(visited, 0)) AS visited,
    reached,
    reached / opened AS share_of_opened,
    if(
        lag(reached) OVER in_order > 0, reached / lag(reached) OVER in_order, NULL
    ) AS share_of_previous,
    still_there,
    lost_here,
    median_days
FROM counted LEFT JOIN visits USING (pipeline, stage)
WINDOW its AS (PARTITION BY counted.pipeline),
    in_order AS (PARTITION BY counted.pipeline ORDER BY counted.place)
ORDER BY counted.pipeline_name, counted.pipeline, counted.place

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN $pipeline::VARCHAR IS NOT NULL
            AND pipeline NOT IN (SELECT id FROM pipelines WHERE name = $pipeline)
            THEN 'opportunities of other pipelines'
        WHEN opened_at AT TIME ZONE $zone < $since::TIMESTAMP
            OR opened_at AT TIME ZONE $zone >= $until::TIMESTAMP
            THEN 'opportunities opened on other days'
        WHEN opened_at + to_days($within_days::INTEGER) > $as_of::TIMESTAMPTZ
            THEN 'opportunities that are younger than the window'
    END AS why
    FROM opportunities
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

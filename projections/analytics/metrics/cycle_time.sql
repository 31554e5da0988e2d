/*
title: Cycle time
definition: >
  Days from the start to the close. The start is the opening, or the first entry into a stage. The
  rows won, lost and closed look at closed opportunities only, which flatters: those that take
  long are still open. The row all counts them too, as censored at the cut (Kaplan-Meier): its
  median is the day by which half of all have been closed, none where that has not been seen yet.
source: >
  Kaplan and Meier 1958: S(t) = product over close times u <= t of (1 - closed at u / at risk at
  u); at risk at u are those that lasted u days or longer, censored ones among them; the median is
  the first t with S(t) <= 1/2
settings:
  from_stage: {doc: Start at the first entry into this stage; none means at the opening}
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  since: {kind: day, doc: First day of the start}
  until: {kind: day, doc: First day of the start that counts no longer}
  pipeline: {doc: Name of one pipeline; none means all}
columns:
  outcome: {doc: "won, lost, closed (both) or all (with the open ones)"}
  opportunities: {unit: opportunities, doc: How many}
  open: {unit: opportunities, doc: Of those the open ones}
  median_days: {unit: days, doc: "Median; in the row all the one of Kaplan and Meier"}
  mean_days: {unit: days, doc: Mean; none in the row all}
*/
WITH entries AS (
    SELECT opportunity, min(entered_at) AS entered_at
    FROM stage_spans
    WHERE stage = $from_stage::VARCHAR
    GROUP BY opportunity
),
started AS (
    SELECT
        o.status,
        if($from_stage::VARCHAR IS NULL, o.opened_at, e.entered_at) AS started_at,
        coalesce(o.closed_at, $as_of::TIMESTAMPTZ) AS ended_at
    FROM opportunities_named AS o LEFT JOIN entries AS e ON e.opportunity = o.id
    WHERE $pipeline::VARCHAR IS NULL OR o.pipeline_name = $pipeline
),
lives AS (
    SELECT status, epoch(ended_at - started_at) / 86400 AS days
    FROM started
    WHERE ended_at >= started_at
        AND started_at AT TIME ZONE $zone >= coalesce($since::TIMESTAMP, '-infinity')
        AND started_at AT TIME ZONE $zone < coalesce($until::TIMESTAMP, 'infinity')
),
ends AS (
    SELECT
        days,
        count(*) FILTER (status <> 'open') AS closed,
        sum(count(*)) OVER (ORDER BY days DESC) AS at_risk
    FROM lives
    GROUP BY days
),
survival AS (
    SELECT days, product(1 - closed / at_risk) OVER (ORDER BY days) AS s
    FROM ends
    WHERE closed > 0
),
told AS (
    SELECT 1 AS place, 'won' AS outcome, days, status FROM lives WHERE status = 'won'
    UNION ALL SELECT 2, 'lost', days, status FROM lives WHERE status = 'lost'
    UNION ALL SELECT 3, 'closed', days, status FROM lives WHERE status <> 'open'
    UNION ALL SELECT 4, 'all', days, status FROM lives
)
SELECT
    outcome,
    count(*) AS opportunities,
    count(*) FILTER (status = 'open') AS open,
    -- A product of doubles may miss one half by its last digit.
    if(place = 4, (SELECT min(days) FROM survival WHERE s <= 0.5 + 1e-12), median(days))
        AS median_days,
    if(place = 4, NULL, avg(days)) AS mean_days
FROM told
GROUP BY place, outcome
ORDER BY place

-- excluded:
WITH entries AS (
    SELECT opportunity, min(entered_at) AS entered_at
    FROM stage_spans
    WHERE stage = $from_stage::VARCHAR
    GROUP BY opportunity
),
started AS (
    SELECT
        o.pipeline_name,
        if($from_stage::VARCHAR IS NULL, o.opened_at, e.entered_at) AS started_at,
        coalesce(o.closed_at, $as_of::TIMESTAMPTZ) AS ended_at
    FROM opportunities_named AS o LEFT JOIN entries AS e ON e.opportunity = o.id
)
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN $pipeline::VARCHAR IS NOT NULL AND pipeline_name IS DISTINCT FROM $pipeline
            THEN 'opportunities of other pipelines'
        WHEN started_at IS NULL THEN 'opportunities that were never in the stage'
        WHEN ended_at < started_at THEN 'opportunities that ended before they began'
        WHEN started_at AT TIME ZONE $zone < $since::TIMESTAMP
            OR started_at AT TIME ZONE $zone >= $until::TIMESTAMP
            THEN 'opportunities of other days'
    END AS why
    FROM started
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

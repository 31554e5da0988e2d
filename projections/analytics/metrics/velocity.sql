/*
title: Pipeline velocity
definition: >
  What the pipeline is worth per day: open opportunities x win rate x mean won value / mean won
  cycle in days, all four over the same pipeline and the same days of closing, for each currency
  that something was won in. Open are those at the cut, in the stage asked for; where several
  currencies are in use, only those with an amount in the currency.
source: >
  velocity = open qualified opportunities x won / (won + lost) x mean won value / mean won cycle
settings:
  stage: {doc: Count the open ones in this stage only; none means in all}
  from_stage: {doc: The cycle starts at the first entry into this stage; none means at the opening}
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  since: {kind: day, doc: First day of closing}
  until: {kind: day, doc: First day of closing that counts no longer}
  pipeline: {doc: Name of one pipeline; none means all}
columns:
  currency: {doc: Currency of the amounts}
  open: {unit: opportunities, doc: Open ones at the cut}
  win_rate: {unit: share, doc: won / (won + lost) of those closed in the days}
  mean_won_value: {unit: money, doc: Mean amount of the won ones}
  mean_won_days: {unit: days, doc: Mean days from start to close of the won ones}
  velocity: {unit: money per day, doc: open x win_rate x mean_won_value / mean_won_days}
*/
WITH entries AS (
    SELECT opportunity, min(entered_at) AS entered_at
    FROM stage_spans
    WHERE stage = $from_stage::VARCHAR
    GROUP BY opportunity
),
chosen AS (
    SELECT
        o.*,
        epoch(o.closed_at - if($from_stage::VARCHAR IS NULL, o.opened_at, e.entered_at)) / 86400
            AS days
    FROM opportunities_named AS o LEFT JOIN entries AS e ON e.opportunity = o.id
    WHERE $pipeline::VARCHAR IS NULL OR o.pipeline_name = $pipeline
),
closed AS (
    SELECT *
    FROM chosen
    WHERE status <> 'open'
        AND closed_at AT TIME ZONE $zone >= coalesce($since::TIMESTAMP, '-infinity')
        AND closed_at AT TIME ZONE $zone < coalesce($until::TIMESTAMP, 'infinity')
),
won AS (
    SELECT currency, avg(amount) AS mean_won_value, avg(days) AS mean_won_days
    FROM closed
    WHERE status = 'won' AND amount IS NOT NULL
    GROUP BY currency
),
waiting AS (
    SELECT won.currency, count(chosen.id) AS open
    FROM won LEFT JOIN chosen
        ON chosen.status = 'open'
        AND ($stage::VARCHAR IS NULL OR chosen.stage = $stage)
        AND (
            chosen.currency = won.currency
            OR (chosen.currency IS NULL AND (SELECT count(*) FROM won) = 1)
        )
    GROUP BY won.currency
),
rate AS (
    SELECT count(*) FILTER (status = 'won') / count(*) AS win_rate
    FROM closed
)
SELECT
    currency,
    open,
    win_rate,
    mean_won_value,
    mean_won_days,
    if(mean_won_days > 0, open * win_rate * mean_won_value / mean_won_days, NULL) AS velocity
FROM won JOIN waiting USING (currency) CROSS JOIN rate
ORDER BY currency

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN $pipeline::VARCHAR IS NOT NULL AND pipeline_name IS DISTINCT FROM $pipeline
            THEN 'opportunities of other pipelines'
        WHEN status = 'open' AND $stage::VARCHAR <> stage THEN 'open opportunities in other stages'
        WHEN status = 'won' AND amount IS NULL THEN 'won opportunities without an amount'
        WHEN closed_at AT TIME ZONE $zone < $since::TIMESTAMP
            OR closed_at AT TIME ZONE $zone >= $until::TIMESTAMP
            THEN 'opportunities closed on other days'
    END AS why
    FROM opportunities_named
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

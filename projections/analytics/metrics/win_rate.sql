/*
title: Win rate
definition: >
  Won / (won + lost), never won / all. By close date (the default) an opportunity counts in the
  period in which it was closed, with the outcome that it has at the cut: one that was lost,
  reopened and won counts once, as won. By open date it counts in the period in which it was
  opened, and the share that is still open is shown beside, since it may change the rate yet.
source: won / (won + lost) by close date, and the cohort win rate by open date
settings:
  by: {default: close, allowed: [close, open], doc: The date that puts it into a period}
  period: {default: quarter, allowed: [month, quarter, year, all], doc: The length of a period}
  group: {default: all, allowed: [all, owner, office, team, manager, product, pipeline, lead_source],
    doc: What the rows are told apart by}
  zone: {kind: zone, default: UTC, doc: The time zone that periods are told in}
  since: {kind: day, doc: First day of that date}
  until: {kind: day, doc: First day of that date that counts no longer}
  pipeline: {doc: Name of one pipeline; none means all}
columns:
  period: {doc: First day of the period; none for all}
  group: {doc: Name of the group; none for all or where it is not known}
  won: {unit: opportunities, doc: Won}
  lost: {unit: opportunities, doc: Lost}
  open: {unit: opportunities, doc: Still open; by close date there are none}
  rate: {unit: share, doc: won / (won + lost)}
  open_share: {unit: share, doc: "open / (won + lost + open), by open date"}
*/
WITH dated AS (
    SELECT
        status,
        CASE $group
            WHEN 'owner' THEN owner_name
            WHEN 'office' THEN office
            WHEN 'team' THEN team
            WHEN 'manager' THEN manager_name
            WHEN 'product' THEN product_name
            WHEN 'pipeline' THEN pipeline_name
            WHEN 'lead_source' THEN lead_source
        END AS "group",
        if($by = 'open', opened_at, closed_at) AT TIME ZONE $zone AS moment
    FROM opportunities_named
    WHERE ($pipeline::VARCHAR IS NULL OR pipeline_name = $pipeline)
        AND ($by = 'open' OR status <> 'open')
)
SELECT
    CASE $period
        WHEN 'month' THEN CAST(date_trunc('month', moment) AS DATE)
        WHEN 'quarter' THEN CAST(date_trunc('quarter', moment) AS DATE)
        WHEN 'year' THEN CAST(date_trunc('year', moment) AS DATE)
    END AS period,
    "group",
    count(*) FILTER (status = 'won') AS won,
    count(*) FILTER (status = 'lost') AS lost,
    count(*) FILTER (status = 'open') AS open,
    if(won + lost > 0, won / (won + lost), NULL) AS rate,
    if($by = 'open', open / count(*), NULL) AS open_share
FROM dated
WHERE moment >= coalesce($since::TIMESTAMP, '-infinity')
    AND moment < coalesce($until::TIMESTAMP, 'infinity')
GROUP BY ALL
ORDER BY period, "group" NULLS LAST

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN $pipeline::VARCHAR IS NOT NULL AND pipeline_name IS DISTINCT FROM $pipeline
            THEN 'opportunities of other pipelines'
        WHEN $by = 'close' AND status = 'open' THEN 'opportunities that are open'
        WHEN if($by = 'open', opened_at, closed_at) AT TIME ZONE $zone < $since::TIMESTAMP
            OR if($by = 'open', opened_at, closed_at) AT TIME ZONE $zone >= $until::TIMESTAMP
            THEN 'opportunities of other days'
    END AS why
    FROM opportunities_named
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

/*
title: Won value
definition: >
  What was won, by the date of closing, for each currency. An opportunity counts once, with the
  outcome and the amount that it has at the cut.
source: sums over won opportunities
settings:
  period: {default: quarter, allowed: [month, quarter, year, all], doc: The length of a period}
  group: {default: all, allowed: [all, owner, office, team, manager, product, pipeline, lead_source],
    doc: What the rows are told apart by}
  zone: {kind: zone, default: UTC, doc: The time zone that periods are told in}
  since: {kind: day, doc: First day of closing}
  until: {kind: day, doc: First day of closing that counts no longer}
  pipeline: {doc: Name of one pipeline; none means all}
columns:
  period: {doc: First day of the period; none for all}
  group: {doc: Name of the group; none for all or where it is not known}
  currency: {doc: Currency of the amounts; none where no amount is known}
  won: {unit: opportunities, doc: Won}
  value: {unit: money, doc: Sum of their amounts}
  mean: {unit: money, doc: Mean of the amounts that are known}
*/
WITH dated AS (
    SELECT
        amount,
        if(amount IS NULL, NULL, currency) AS currency,
        CASE $group
            WHEN 'owner' THEN owner_name
            WHEN 'office' THEN office
            WHEN 'team' THEN team
            WHEN 'manager' THEN manager_name
            WHEN 'product' THEN product_name
            WHEN 'pipeline' THEN pipeline_name
            WHEN 'lead_source' THEN lead_source
        END AS "group",
        closed_at AT TIME ZONE $zone AS moment
    FROM opportunities_named
    WHERE status = 'won' AND ($pipeline::VARCHAR IS NULL OR pipeline_name = $pipeline)
)
SELECT
    CASE $period
        WHEN 'month' THEN CAST(date_trunc('month', moment) AS DATE)
        WHEN 'quarter' THEN CAST(date_trunc('quarter', moment) AS DATE)
        WHEN 'year' THEN CAST(date_trunc('year', moment) AS DATE)
    END AS period,
    "group",
    currency,
    count(*) AS won,
    sum(amount) AS value,
    avg(amount) AS mean
FROM dated
WHERE moment >= coalesce($since::TIMESTAMP, '-infinity')
    AND moment < coalesce($until::TIMESTAMP, 'infinity')
GROUP BY ALL
ORDER BY period, "group" NULLS LAST, currency

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN $pipeline::VARCHAR IS NOT NULL AND pipeline_name IS DISTINCT FROM $pipeline
            THEN 'opportunities of other pipelines'
        WHEN status <> 'won' THEN 'opportunities that are not won'
        WHEN closed_at AT TIME ZONE $zone < $since::TIMESTAMP
            OR closed_at AT TIME ZONE $zone >= $until::TIMESTAMP
            THEN 'opportunities of other days'
    END AS why
    FROM opportunities_named
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

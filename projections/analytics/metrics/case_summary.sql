/*
title: Cases
definition: >
  Cases with their facts and how long they took: the days from the first fact of a case to its
  last one before the cut. A case waited on the customer if any of its facts says so. Lines are
  what another system's log says of a case; facts are those and our own.
source: counts and durations over the facts of each case
settings:
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  since: {kind: day, doc: First day of opening}
  until: {kind: day, doc: First day of opening that counts no longer}
  channel: {doc: Only cases of this channel}
columns:
  cases: {unit: cases, doc: Cases opened}
  facts: {unit: facts, doc: All facts about them}
  lines: {unit: facts, doc: Of those the lines of another system}
  unfinished: {unit: cases, doc: Neither resolved nor closed at the cut}
  resolved: {unit: cases, doc: Resolved at the cut and not closed}
  closed: {unit: cases, doc: Closed at the cut}
  median_days: {unit: days, doc: Median from first to last fact}
  mean_days: {unit: days, doc: Mean from first to last fact}
  waited_on_customer: {unit: cases, doc: Waited on the customer at some time}
  reopened: {unit: cases, doc: Were resolved or closed and then worked on again}
*/
WITH chosen AS (
    SELECT *
    FROM cases
    WHERE opened_at AT TIME ZONE $zone >= coalesce($since::TIMESTAMP, '-infinity')
        AND opened_at AT TIME ZONE $zone < coalesce($until::TIMESTAMP, 'infinity')
        AND ($channel::VARCHAR IS NULL OR channel = $channel)
),
lives AS (
    SELECT
        "case",
        count(*) AS facts,
        count(*) FILTER (what = 'status_logged') AS lines,
        epoch(max(occurred_at) - min(occurred_at)) / 86400 AS days,
        bool_or(waiting_on IS NOT DISTINCT FROM 'customer') AS waited
    FROM case_log
    GROUP BY "case"
)
SELECT
    count(*) AS cases,
    coalesce(sum(facts), 0)::BIGINT AS facts,
    coalesce(sum(lines), 0)::BIGINT AS lines,
    count(*) FILTER (phase NOT IN ('resolved', 'closed')) AS unfinished,
    count(*) FILTER (phase = 'resolved') AS resolved,
    count(*) FILTER (phase = 'closed') AS closed,
    median(days) AS median_days,
    avg(days) AS mean_days,
    count(*) FILTER (waited) AS waited_on_customer,
    count(*) FILTER (reopened_count > 0) AS reopened
FROM chosen JOIN lives ON lives."case" = chosen.id

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN $channel::VARCHAR IS NOT NULL AND channel IS DISTINCT FROM $channel
            THEN 'cases of other channels'
        WHEN opened_at AT TIME ZONE $zone < $since::TIMESTAMP
            OR opened_at AT TIME ZONE $zone >= $until::TIMESTAMP
            THEN 'cases opened on other days'
    END AS why
    FROM cases
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

/*
title: Statuses of cases
definition: >
  How often each status was told of a case, of how many cases, and for how many it is the last
  word at the cut. By status counts the lines of another system in its own words; by phase
  counts all facts by the phase that they led to.
source: counts over the facts of each case
settings:
  by: {default: status, allowed: [status, phase], doc: Whose words}
columns:
  status: {doc: The word}
  facts: {unit: facts, doc: How often it was told}
  cases: {unit: cases, doc: Of how many cases}
  last: {unit: cases, doc: Of how many it is the last word}
*/
WITH words AS (
    SELECT "case", position, if($by = 'phase', phase, status) AS word
    FROM case_log
    WHERE $by = 'phase' OR what = 'status_logged'
),
ranked AS (
    SELECT *, position = max(position) OVER (PARTITION BY "case") AS is_last
    FROM words
)
SELECT
    word AS status,
    count(*) AS facts,
    count(DISTINCT "case") AS cases,
    count(*) FILTER (is_last) AS last
FROM ranked
GROUP BY word
ORDER BY facts DESC, word

-- excluded:
SELECT 'facts that are no lines of another system' AS why, count(*) AS rows
FROM case_log
WHERE $by = 'status' AND what <> 'status_logged'

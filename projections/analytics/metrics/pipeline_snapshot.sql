/*
title: Open pipeline
definition: >
  How many opportunities are open in each stage at the cut, what they are valued at, and that value
  weighted by the stage's chance to win, for each currency. It is folded from history, so that
  any past moment can be asked for, on both clocks.
source: >
  the as-of snapshot of a pipeline; weighted = amount x probability of the stage
settings:
  pipeline: {doc: Name of one pipeline; none means all}
columns:
  pipeline: {doc: Name of the pipeline}
  stage: {doc: Name of the stage}
  place: {doc: Place of the stage in the pipeline; none for one that is no longer in it}
  currency: {doc: Currency of the amounts; none where no amount is known}
  open: {unit: opportunities, doc: Open in the stage}
  valued: {unit: opportunities, doc: Of those the ones with an amount}
  amount: {unit: money, doc: Sum of the amounts}
  probability: {unit: share, doc: "The stage's chance to win, where it says one"}
  weighted: {unit: money, doc: amount x probability}
*/
WITH stages AS (
    SELECT id AS pipeline, unnest(stages) AS stage, generate_subscripts(stages, 1) AS place
    FROM pipelines
)
SELECT
    p.name AS pipeline,
    o.stage,
    any_value(s.place) AS place,
    o.currency,
    count(*) AS open,
    count(o.amount) AS valued,
    sum(o.amount) AS amount,
    any_value(s.stage.probability) AS probability,
    sum(o.amount * s.stage.probability)::DECIMAL(38, 4) AS weighted
FROM opportunities AS o
LEFT JOIN pipelines AS p ON p.id = o.pipeline
LEFT JOIN stages AS s ON s.pipeline = o.pipeline AND s.stage.name = o.stage
WHERE o.status = 'open' AND ($pipeline::VARCHAR IS NULL OR p.name = $pipeline)
GROUP BY o.pipeline, p.name, o.stage, o.currency
ORDER BY p.name, o.pipeline, place NULLS LAST, o.stage, o.currency

-- excluded:
SELECT 'opportunities that are closed' AS why, count(*) AS rows
FROM opportunities AS o LEFT JOIN pipelines AS p ON p.id = o.pipeline
WHERE o.status <> 'open' AND ($pipeline::VARCHAR IS NULL OR p.name = $pipeline)

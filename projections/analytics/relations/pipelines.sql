CREATE VIEW pipelines AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(name, position) AS name,
    arg_max(stages, position) AS stages,
    min(occurred_at) FILTER (what = 'defined') AS defined_at,
    arg_max(occurred_at, position) AS changed_at
FROM pipeline_facts
GROUP BY stream
HAVING bool_or(what = 'defined');
COMMENT ON VIEW pipelines IS 'Pipelines, one row each, with their stages in order';
COMMENT ON COLUMN pipelines.stages IS 'In order, with the chance to win from each';

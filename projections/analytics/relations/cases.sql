CREATE VIEW case_log AS
WITH facts AS (
    SELECT
        *,
        CASE what
            WHEN 'opened' THEN if(owner IS NULL, 'new', 'assigned')
            WHEN 'started' THEN 'in_progress'
            WHEN 'resumed' THEN 'in_progress'
            WHEN 'reopened' THEN 'in_progress'
            WHEN 'waiting' THEN 'waiting'
            WHEN 'resolved' THEN 'resolved'
            WHEN 'closed' THEN 'closed'
            WHEN 'status_logged' THEN phase
        END AS leads_to
    FROM case_facts
),
last AS (
    SELECT
        *,
        arg_max(leads_to, position) OVER so_far AS led_to,
        max(position) FILTER (leads_to IS NOT NULL) OVER so_far AS led_position,
        max(position) FILTER (what = 'assigned') OVER so_far AS assigned_position
    FROM facts
    WHERE stream IN (SELECT stream FROM case_opened)
    WINDOW so_far AS (PARTITION BY stream ORDER BY position)
),
phases AS (
    SELECT
        * EXCLUDE (phase, leads_to, led_to, led_position, assigned_position),
        if(led_to = 'new' AND assigned_position > led_position, 'assigned', led_to) AS phase
    FROM last
)
SELECT
    stream AS "case",
    version,
    position,
    occurred_at,
    what,
    status,
    phase,
    lag(phase) OVER (PARTITION BY stream ORDER BY position) AS phase_before,
    coalesce(waiting_on, "on") AS waiting_on,
    worker,
    owner,
    team,
    priority,
    score,
    scale_max
FROM phases;
COMMENT ON VIEW case_log IS
    'Every fact of a case with the phase that it led to; what = status_logged are lines of '
    'another system';
COMMENT ON COLUMN case_log.what IS 'What happened; status_logged is a line of another system';
COMMENT ON COLUMN case_log.status IS 'The word of the other system';
COMMENT ON COLUMN case_log.phase IS 'The phase after the fact';
COMMENT ON COLUMN case_log.phase_before IS 'The phase before it';
COMMENT ON COLUMN case_log.worker IS 'Who worked on it in the other system';

CREATE VIEW cases AS
WITH moves AS (
    SELECT
        "case", position, occurred_at, phase, phase_before,
        arg_max(occurred_at, position)
            FILTER (phase = 'waiting' AND phase_before IS DISTINCT FROM 'waiting')
            OVER so_far AS wait_began_at,
        max(position)
            FILTER (phase_before IN ('resolved', 'closed') AND phase NOT IN ('resolved', 'closed'))
            OVER (PARTITION BY "case") AS reopened_position
    FROM case_log
    WHERE phase IS DISTINCT FROM phase_before
    WINDOW so_far AS (PARTITION BY "case" ORDER BY position)
),
times AS (
    SELECT
        "case",
        arg_min(occurred_at, position) FILTER (phase NOT IN ('new', 'assigned'))
            AS first_response_at,
        arg_max(occurred_at, position)
            FILTER (phase = 'resolved' AND position > coalesce(reopened_position, 0))
            AS resolved_at,
        arg_max(occurred_at, position)
            FILTER (phase = 'closed' AND position > coalesce(reopened_position, 0)) AS closed_at,
        if(arg_max(phase, position) = 'waiting', arg_max(wait_began_at, position), NULL)
            AS waiting_since,
        coalesce(sum(greatest(0, trunc(epoch(occurred_at - wait_began_at))))
            FILTER (phase_before = 'waiting'), 0)::BIGINT AS waiting_seconds,
        count(*) FILTER (phase = 'waiting') AS wait_count,
        count(*) FILTER (
            phase_before IN ('resolved', 'closed') AND phase NOT IN ('resolved', 'closed')
        ) AS reopened_count
    FROM moves
    GROUP BY "case"
),
known AS (
    SELECT
        "case",
        max(version) AS version,
        arg_max(phase, position) AS phase,
        told(status, position, what = 'status_logged') AS status,
        if(
            arg_max(phase, position) = 'waiting',
            told(waiting_on, position, what IN ('waiting', 'status_logged')),
            NULL
        ) AS waiting_on,
        arg_max(priority, position) AS priority,
        told(owner, position, what IN ('opened', 'assigned')) AS owner,
        told(team, position, what IN ('opened', 'assigned')) AS team,
        told(worker, position, what = 'status_logged') AS worker,
        told(score, position, what = 'rated') AS score,
        told(scale_max, position, what = 'rated') AS scale_max,
        arg_max(occurred_at, position) AS changed_at
    FROM case_log
    GROUP BY "case"
)
SELECT
    o.stream AS id,
    k.version,
    o.number,
    o.subject,
    k.phase,
    k.status,
    k.waiting_on,
    k.priority,
    o.channel,
    o.kind,
    o.account,
    o.contact,
    coalesce(o.account, o.contact) AS customer,
    o.product,
    k.owner,
    k.team,
    k.worker,
    k.score,
    k.scale_max,
    o.external_id,
    o.occurred_at AS opened_at,
    t.first_response_at,
    t.resolved_at,
    t.closed_at,
    t.waiting_since,
    t.waiting_seconds,
    t.wait_count,
    t.reopened_count,
    k.changed_at
FROM case_opened AS o
JOIN known AS k ON k."case" = o.stream
JOIN times AS t ON t."case" = o.stream;
COMMENT ON VIEW cases IS 'What customers asked of us, one row each, with the times of service';
COMMENT ON COLUMN cases.status IS 'The last word of the other system';
COMMENT ON COLUMN cases.customer IS 'The account, or else the contact';
COMMENT ON COLUMN cases.first_response_at IS 'When it left new and assigned for the first time';
COMMENT ON COLUMN cases.waiting_seconds IS 'In all the waits that have ended';
COMMENT ON COLUMN cases.changed_at IS 'When the last fact about it was true';

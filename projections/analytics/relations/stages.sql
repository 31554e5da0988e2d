CREATE VIEW stage_spans AS
WITH moves AS (
    SELECT
        stream, position, occurred_at, what, coalesce(stage, to_stage) AS stage,
        lead(occurred_at) OVER following AS left_at,
        lead(position) OVER following AS left_position,
        lead(if(what IN ('won', 'lost'), what, coalesce(stage, to_stage))) OVER following
            AS left_for
    FROM opportunity_facts
    WHERE what IN ('opened', 'stage_changed', 'won', 'lost', 'reopened')
    WINDOW following AS (PARTITION BY stream ORDER BY position)
),
stays AS (
    SELECT
        opened.stream AS opportunity,
        opened.pipeline,
        row_number() OVER (PARTITION BY moves.stream ORDER BY moves.position) AS n,
        moves.stage,
        moves.occurred_at AS entered_at,
        moves.left_at,
        moves.left_for,
        coalesce(moves.left_position, 9223372036854775807) AS until_position
    FROM moves JOIN opportunity_opened AS opened ON opened.stream = moves.stream
    WHERE moves.stage IS NOT NULL
),
owners AS (
    SELECT stream, position, owner FROM opportunity_facts WHERE owner IS NOT NULL
)
SELECT stays.* EXCLUDE until_position, owners.owner
FROM stays ASOF LEFT JOIN owners
    ON owners.stream = stays.opportunity AND stays.until_position >= owners.position;
COMMENT ON VIEW stage_spans IS
    'Every stay of an opportunity in a stage, until it left for the next one, won or lost';
COMMENT ON COLUMN stage_spans.n IS 'Number of the stay, from 1';
COMMENT ON COLUMN stage_spans.left_for IS 'The next stage, or won or lost';
COMMENT ON COLUMN stage_spans.owner IS 'At the end of the stay, or now';

CREATE VIEW opportunities AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(name, position) FILTER (what IN ('opened', 'renamed')) AS name,
    arg_max(pipeline, position) AS pipeline,
    arg_max(coalesce(stage, to_stage), position) AS stage,
    CASE arg_max(what, position) FILTER (what IN ('opened', 'won', 'lost', 'reopened'))
        WHEN 'won' THEN 'won'
        WHEN 'lost' THEN 'lost'
        ELSE 'open'
    END AS status,
    arg_max(account, position) AS account,
    arg_max(owner, position) AS owner,
    arg_max(product, position) AS product,
    arg_max(lead, position) AS lead,
    told(
        amount, position, what IN ('opened', 'revalued') OR (what = 'won' AND amount IS NOT NULL)
    ) AS amount,
    told(
        currency, position, what IN ('opened', 'revalued') OR (what = 'won' AND amount IS NOT NULL)
    ) AS currency,
    arg_max(expected_close, position) AS expected_close,
    arg_max(lead_source, position) AS lead_source,
    told(lost_reason, position, what IN ('lost', 'reopened')) AS lost_reason,
    arg_max(external_id, position) AS external_id,
    min(occurred_at) FILTER (what = 'opened') AS opened_at,
    arg_max(occurred_at, position) FILTER (what IN ('opened', 'stage_changed', 'reopened'))
        AS stage_since,
    told(
        if(what = 'reopened', NULL, occurred_at), position, what IN ('won', 'lost', 'reopened')
    ) AS closed_at,
    arg_max(occurred_at, position) AS changed_at
FROM opportunity_facts
GROUP BY stream
HAVING bool_or(what = 'opened');
COMMENT ON VIEW opportunities IS 'Chances to sell, one row each, open, won or lost';
COMMENT ON COLUMN opportunities.status IS 'open, won or lost';
COMMENT ON COLUMN opportunities.stage_since IS 'When it came into the stage';
COMMENT ON COLUMN opportunities.closed_at IS 'When it was won or lost';
COMMENT ON COLUMN opportunities.amount IS 'In the currency beside it';
COMMENT ON COLUMN opportunities.lead IS 'The lead whose conversion opened it';

CREATE VIEW opportunities_named AS
SELECT
    o.*,
    p.name AS pipeline_name,
    a.name AS account_name,
    r.name AS product_name,
    m.name AS owner_name,
    m.team AS team,
    m.office AS office,
    b.name AS manager_name
FROM opportunities AS o
LEFT JOIN pipelines AS p ON p.id = o.pipeline
LEFT JOIN accounts AS a ON a.id = o.account
LEFT JOIN products AS r ON r.id = o.product
LEFT JOIN members AS m ON m.id = o.owner
LEFT JOIN members AS b ON b.id = m.manager;
COMMENT ON VIEW opportunities_named IS
    'Opportunities with the names of what they refer to, and the place of their owner';
COMMENT ON COLUMN opportunities_named.team IS 'Of the owner, as are office and manager';

CREATE VIEW leads AS
SELECT
    stream AS id,
    max(version) AS version,
    said(company, cleared, 'company', position) AS company,
    said(said_source, cleared, 'source', position) AS source,
    said(campaign, cleared, 'campaign', position) AS campaign,
    said(external_id, cleared, 'external_id', position) AS external_id,
    arg_max(owner, position) AS owner,
    CASE arg_max(what, position) FILTER (what IN ('captured', 'qualified', 'discarded', 'reopened', 'converted'))
        WHEN 'captured' THEN 'new'
        WHEN 'reopened' THEN if(bool_or(what = 'qualified'), 'qualified', 'new')
        ELSE arg_max(what, position) FILTER (what IN ('captured', 'qualified', 'discarded', 'reopened', 'converted'))
    END AS status,
    told(score, position, what = 'qualified') AS score,
    told(discard_reason, position, what IN ('discarded', 'reopened')) AS discard_reason,
    told(contact, position, what = 'converted') AS contact,
    told(account, position, what = 'converted') AS account,
    told(opportunity, position, what = 'converted') AS opportunity,
    min(occurred_at) FILTER (what = 'captured') AS captured_at,
    arg_max(occurred_at, position) FILTER (what = 'qualified') AS qualified_at,
    told(
        if(what = 'reopened', NULL, occurred_at),
        position,
        what IN ('discarded', 'converted', 'reopened')
    ) AS closed_at,
    arg_max(occurred_at, position) AS changed_at,
    arg_max(occurred_at, position) FILTER (what = 'erased') AS erased_at
FROM lead_facts
GROUP BY stream
HAVING bool_or(what = 'captured');
COMMENT ON VIEW leads IS 'Leads, one row each, without personal fields';
COMMENT ON COLUMN leads.status IS 'new, qualified, discarded or converted';
COMMENT ON COLUMN leads.score IS '0 to 100';
COMMENT ON COLUMN leads.contact IS 'What it was converted into, as are account and opportunity';
COMMENT ON COLUMN leads.erased_at IS 'When what was known of the person was destroyed';
COMMENT ON COLUMN leads.closed_at IS 'When it was discarded or converted';

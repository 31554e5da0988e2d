CREATE VIEW interactions AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(channel, position) AS channel,
    arg_max(direction, position) AS direction,
    said(kind, if(what = 'corrected', cleared, NULL), 'kind', position) AS kind,
    said(contact, if(what = 'reattributed', cleared, NULL), 'contact', position) AS contact,
    said(account, if(what = 'reattributed', cleared, NULL), 'account', position) AS account,
    said(lead, if(what = 'reattributed', cleared, NULL), 'lead', position) AS lead,
    said(opportunity, if(what = 'reattributed', cleared, NULL), 'opportunity', position)
        AS opportunity,
    said("case", if(what = 'corrected', cleared, NULL), 'case', position) AS "case",
    said(member, if(what = 'corrected', cleared, NULL), 'member', position) AS member,
    said(campaign, if(what = 'corrected', cleared, NULL), 'campaign', position) AS campaign,
    said(url, if(what = 'corrected', cleared, NULL), 'url', position) AS url,
    said(duration_seconds, if(what = 'corrected', cleared, NULL), 'duration_seconds', position)
        AS duration_seconds,
    arg_max(external_id, position) AS external_id,
    arg_max(actor, position) FILTER (what = 'recorded') AS recorded_by,
    min(occurred_at) FILTER (what = 'recorded') AS occurred_at,
    arg_max(occurred_at, position) AS changed_at
FROM interaction_facts
GROUP BY stream
HAVING bool_or(what = 'recorded') AND NOT bool_or(what = 'withdrawn');
COMMENT ON VIEW interactions IS
    'Contacts between customers and us on any channel, one row each, without personal fields';
COMMENT ON COLUMN interactions.direction IS 'in is the customer to us';
COMMENT ON COLUMN interactions.kind IS 'What happened on the channel';
COMMENT ON COLUMN interactions.recorded_by IS 'The actor who recorded it';

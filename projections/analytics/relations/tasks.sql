CREATE VIEW tasks AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(subject, position) AS subject,
    arg_max(kind, position) AS kind,
    CASE arg_max(what, position) FILTER (what IN ('planned', 'done', 'dropped', 'reopened'))
        WHEN 'done' THEN 'done'
        WHEN 'dropped' THEN 'dropped'
        ELSE 'open'
    END AS status,
    arg_max(due, position) AS due,
    told(remind_at, position, what IN ('planned', 'reminder_set', 'reminder_cleared'))
        AS remind_at,
    arg_max(assignee, position) AS assignee,
    arg_max(about, position) AS about,
    arg_max(noun, position) AS noun,
    arg_max(contact, position) AS contact,
    arg_max(account, position) AS account,
    arg_max(lead, position) AS lead,
    told(drop_reason, position, what IN ('dropped', 'reopened')) AS drop_reason,
    arg_max(actor, position) FILTER (what = 'planned') AS planned_by,
    min(occurred_at) FILTER (what = 'planned') AS planned_at,
    told(
        if(what = 'reopened', NULL, occurred_at), position, what IN ('done', 'dropped', 'reopened')
    ) AS closed_at,
    arg_max(occurred_at, position) AS changed_at
FROM task_facts
GROUP BY stream
HAVING bool_or(what = 'planned');
COMMENT ON VIEW tasks IS 'What is to be done, one row each';
COMMENT ON COLUMN tasks.status IS 'open, done or dropped';
COMMENT ON COLUMN tasks.noun IS 'What kind of record it is about';
COMMENT ON COLUMN tasks.planned_by IS 'The actor who planned it';
COMMENT ON COLUMN tasks.closed_at IS 'When it was done or dropped';

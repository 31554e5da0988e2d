CREATE VIEW members AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(name, position) AS name,
    said(email, cleared, 'email', position) AS email,
    said(title, cleared, 'title', position) AS title,
    said(team, cleared, 'team', position) AS team,
    said(office, cleared, 'office', position) AS office,
    said(manager, cleared, 'manager', position) AS manager,
    said(external_id, cleared, 'external_id', position) AS external_id,
    min(occurred_at) FILTER (what = 'added') AS added_at,
    arg_max(occurred_at, position) AS changed_at
FROM member_facts
GROUP BY stream
HAVING bool_or(what = 'added');
COMMENT ON VIEW members IS 'The staff, one row each';
COMMENT ON COLUMN members.manager IS 'Id of another member';

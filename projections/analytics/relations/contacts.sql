CREATE VIEW contacts AS
WITH moves AS (
    SELECT stream, position, account, what <> 'account_left' AS joins
    FROM contact_facts
    WHERE account IS NOT NULL
),
stays AS (
    SELECT stream, account, min(position) AS since
    FROM (
        SELECT *, max(position) FILTER (NOT joins) OVER (PARTITION BY stream, account) AS left_last
        FROM moves
    )
    WHERE joins AND position > coalesce(left_last, 0)
    GROUP BY stream, account
),
places AS (
    SELECT stream, arg_min(account, since) AS account, list(account ORDER BY since) AS accounts
    FROM stays
    GROUP BY stream
),
known AS (
    SELECT
        stream AS id,
        max(version) AS version,
        said(lead_source, cleared, 'lead_source', position) AS lead_source,
        said(external_id, cleared, 'external_id', position) AS external_id,
        arg_max(owner, position) AS owner,
        arg_max(lead, position) AS lead,
        min(occurred_at) FILTER (what = 'added') AS added_at,
        arg_max(occurred_at, position) AS changed_at,
        told(
            if(what = 'readmitted', NULL, occurred_at), position, what IN ('erased', 'readmitted')
        ) AS erased_at
    FROM contact_facts
    GROUP BY stream
    HAVING bool_or(what = 'added')
)
SELECT
    known.*,
    places.account,
    coalesce(places.accounts, []) AS accounts
FROM known LEFT JOIN places ON places.stream = known.id;
COMMENT ON VIEW contacts IS 'Persons, one row each, without personal fields';
COMMENT ON COLUMN contacts.account IS 'Of their accounts the one that they have been with longest';
COMMENT ON COLUMN contacts.accounts IS 'The accounts that they are with';
COMMENT ON COLUMN contacts.erased_at IS 'When what was known of the person was destroyed';
COMMENT ON COLUMN contacts.lead IS 'The lead that they were before';

CREATE VIEW customers AS
SELECT stream AS id, 'account' AS noun FROM account_opened
UNION ALL SELECT stream AS id, 'contact' AS noun FROM contact_added;
COMMENT ON VIEW customers IS 'Accounts and contacts: who can buy';
COMMENT ON COLUMN customers.noun IS 'account or contact';

CREATE VIEW accounts AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(name, position) AS name,
    said(industry, cleared, 'industry', position) AS industry,
    said(kind, cleared, 'kind', position) AS kind,
    said(website, cleared, 'website', position) AS website,
    said(phone, cleared, 'phone', position) AS phone,
    said(employees, cleared, 'employees', position) AS employees,
    said(revenue, cleared, 'revenue', position) AS revenue,
    said(revenue_currency, cleared, 'revenue_currency', position) AS revenue_currency,
    said(founded, cleared, 'founded', position) AS founded,
    said(street, cleared, 'street', position) AS street,
    said(city, cleared, 'city', position) AS city,
    said(region, cleared, 'region', position) AS region,
    said(postal_code, cleared, 'postal_code', position) AS postal_code,
    said(country, cleared, 'country', position) AS country,
    said(parent, cleared, 'parent', position) AS parent,
    arg_max(owner, position) AS owner,
    said(external_id, cleared, 'external_id', position) AS external_id,
    min(occurred_at) FILTER (what = 'opened') AS opened_at,
    arg_max(occurred_at, position) AS changed_at
FROM account_facts
GROUP BY stream
HAVING bool_or(what = 'opened');
COMMENT ON VIEW accounts IS 'Organisations, one row each';
COMMENT ON COLUMN accounts.parent IS 'The account that it belongs to';
COMMENT ON COLUMN accounts.revenue IS 'In a year';
COMMENT ON COLUMN accounts.founded IS 'The year';

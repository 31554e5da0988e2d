CREATE VIEW products AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(name, position) AS name,
    said(code, cleared, 'code', position) AS code,
    said(family, cleared, 'family', position) AS family,
    arg_max(list_price, position) AS list_price,
    arg_max(currency, position) AS currency,
    said(external_id, cleared, 'external_id', position) AS external_id,
    min(occurred_at) FILTER (what = 'added') AS added_at,
    arg_max(occurred_at, position) FILTER (what = 'retired') AS retired_at,
    arg_max(occurred_at, position) AS changed_at
FROM product_facts
GROUP BY stream
HAVING bool_or(what = 'added');
COMMENT ON VIEW products IS 'What we sell, one row each, with the list price';
COMMENT ON COLUMN products.list_price IS 'In the currency beside it';

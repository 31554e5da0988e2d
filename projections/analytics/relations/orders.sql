CREATE VIEW order_lines AS
WITH placed AS (
    SELECT
        stream, occurred_at, account, contact, currency,
        unnest(lines) AS line,
        generate_subscripts(lines, 1) AS n
    FROM order_placed
),
back AS (
    SELECT stream, line.line AS n, sum(line.quantity) AS quantity, sum(line.amount) AS amount
    FROM (SELECT stream, unnest(lines) AS line FROM order_returned)
    GROUP BY ALL
)
SELECT
    placed.stream AS "order",
    placed.n::INTEGER AS line,
    placed.occurred_at AS placed_at,
    coalesce(placed.account, placed.contact) AS customer,
    placed.line.product AS product,
    placed.line.description AS description,
    placed.currency AS currency,
    placed.line.quantity AS quantity,
    placed.line.amount AS amount,
    coalesce(back.quantity, 0)::DECIMAL(18, 4) AS returned_quantity,
    coalesce(back.amount, 0)::DECIMAL(18, 4) AS returned_amount
FROM placed LEFT JOIN back ON back.stream = placed.stream AND back.n = placed.n;
COMMENT ON VIEW order_lines IS 'What was bought, one row a line, and what of it came back';
COMMENT ON COLUMN order_lines.line IS 'Place in the order, from 1';
COMMENT ON COLUMN order_lines.customer IS 'The account, or else the contact';
COMMENT ON COLUMN order_lines.amount IS 'Charged for the whole line, in the currency beside it';

CREATE VIEW orders AS
WITH back AS (
    SELECT
        "order",
        sum(returned_quantity)::DECIMAL(18, 4) AS quantity,
        sum(returned_amount)::DECIMAL(18, 4) AS amount,
        bool_and(returned_quantity >= quantity) AS whole
    FROM order_lines
    WHERE "order" IN (SELECT stream FROM order_returned)
    GROUP BY "order"
),
returns AS (
    SELECT
        stream,
        max(version) AS version,
        told(return_reason, position, true) AS return_reason,
        arg_max(occurred_at, position) AS returned_at
    FROM order_returned
    GROUP BY stream
),
placed AS (
    SELECT
        *,
        coalesce(list_sum([l.quantity FOR l IN lines]), 0)::DECIMAL(18, 4) AS quantity,
        coalesce(list_sum([l.amount FOR l IN lines]), 0)::DECIMAL(18, 4) AS gross
    FROM order_placed
)
SELECT
    o.stream AS id,
    coalesce(r.version, o.version) AS version,
    o.number,
    CASE
        WHEN r.stream IS NULL THEN 'placed'
        WHEN coalesce(b.whole, true) THEN 'returned'
        ELSE 'partly returned'
    END AS status,
    o.account,
    o.contact,
    coalesce(o.account, o.contact) AS customer,
    o.opportunity,
    o.owner,
    o.channel,
    o.currency,
    len(o.lines) AS line_count,
    o.quantity,
    coalesce(b.quantity, 0) AS returned_quantity,
    o.gross,
    coalesce(b.amount, 0) AS returned,
    (o.gross - coalesce(b.amount, 0))::DECIMAL(18, 4) AS net,
    r.return_reason,
    o.external_id,
    o.occurred_at AS placed_at,
    r.returned_at,
    coalesce(r.returned_at, o.occurred_at) AS changed_at
FROM placed AS o
LEFT JOIN back AS b ON b."order" = o.stream
LEFT JOIN returns AS r ON r.stream = o.stream;
COMMENT ON VIEW orders IS 'Orders, one row each, with what came back of them';
COMMENT ON COLUMN orders.status IS 'placed, partly returned or returned';
COMMENT ON COLUMN orders.customer IS 'The account, or else the contact';
COMMENT ON COLUMN orders.gross IS 'What was charged for all lines';
COMMENT ON COLUMN orders.returned IS 'What was paid back';
COMMENT ON COLUMN orders.net IS 'Gross less returned';

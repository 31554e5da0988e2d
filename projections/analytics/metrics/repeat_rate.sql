/*
title: Repeat rate
definition: >
  The share of customers who bought more than once, counted in both ways: by days (two orders on
  one day are one occasion) and by orders. A customer is the account of an order or, where it has
  none, the contact. An order that came back whole is no purchase, unless returned orders are
  asked to count.
source: >
  repeat customers / customers; occasions are different days with a purchase, as BTYD models
  count them (Fader, Hardie and Lee 2005)
settings:
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  until: {kind: day, doc: The first day that counts no longer; none means to the end}
  returned: {default: leave out, allowed: [leave out, count], doc: Orders that came back whole}
columns:
  customers: {unit: customers, doc: Customers with at least one order}
  orders: {unit: orders, doc: Their orders}
  occasions: {unit: days, doc: Pairs of customer and day with an order}
  repeat_occasions: {unit: days, doc: Occasions after the first of each customer}
  repeat_by_days: {unit: customers, doc: Customers with orders on two days or more}
  rate_by_days: {unit: share, doc: repeat_by_days / customers}
  repeat_by_orders: {unit: customers, doc: Customers with two orders or more}
  rate_by_orders: {unit: share, doc: repeat_by_orders / customers}
*/
WITH buyers AS (
    SELECT
        customer,
        count(*) AS orders,
        count(DISTINCT CAST(placed_at AT TIME ZONE $zone AS DATE)) AS days
    FROM orders
    WHERE customer IS NOT NULL
        AND ($returned = 'count' OR status <> 'returned')
        AND placed_at AT TIME ZONE $zone < coalesce($until::TIMESTAMP, 'infinity')
    GROUP BY customer
)
SELECT
    count(*) AS customers,
    coalesce(sum(orders), 0)::BIGINT AS orders,
    coalesce(sum(days), 0)::BIGINT AS occasions,
    coalesce(sum(days - 1), 0)::BIGINT AS repeat_occasions,
    count(*) FILTER (days > 1) AS repeat_by_days,
    if(count(*) > 0, repeat_by_days / count(*), NULL) AS rate_by_days,
    count(*) FILTER (orders > 1) AS repeat_by_orders,
    if(count(*) > 0, repeat_by_orders / count(*), NULL) AS rate_by_orders
FROM buyers

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN customer IS NULL THEN 'orders of nobody'
        WHEN $returned = 'leave out' AND status = 'returned' THEN 'orders that came back whole'
        WHEN placed_at AT TIME ZONE $zone >= $until::TIMESTAMP THEN 'orders after the days'
    END AS why
    FROM orders
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

/*
title: Recency, frequency and value of each customer
definition: >
  Recency is the days from the last purchase to the day of the question, frequency how often they
  bought (by default on how many days), monetary what it came to, net of returns (by default in
  all). Orders that came back whole are no purchases. Amounts of different currencies are kept
  apart: a customer who pays in two has a row for each.
  The scores are fifths within the currency, 5 for the best; customers who are equal are put in
  the order of their ids, so that a score never depends on chance.
source: >
  RFM with quintile scores; recency is as-of day minus last day, which is not the recency of BTYD
  models
settings:
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  day: {kind: day, doc: The day of the question; by default the day of the cut}
  frequency: {default: days, allowed: [days, orders], doc: What is counted}
  monetary: {default: total, allowed: [total, mean], doc: The sum of all orders or their mean}
  currency: {doc: Only orders in this currency}
columns:
  customer: {doc: Id of the account or contact}
  name: {doc: Name of the account; contacts are persons and stay unnamed}
  currency: {doc: Currency of monetary}
  recency: {unit: days, doc: Days since the last purchase}
  frequency: {unit: times, doc: How often they bought}
  monetary: {unit: money, doc: What they paid}
  r: {unit: score, doc: 5 is the most recent fifth}
  f: {unit: score, doc: 5 is the most frequent fifth}
  m: {unit: score, doc: 5 is the fifth with the highest value}
*/
WITH asked AS (
    SELECT coalesce($day::DATE, CAST($as_of::TIMESTAMPTZ AT TIME ZONE $zone AS DATE)) AS day
),
bought AS (
    SELECT *, CAST(placed_at AT TIME ZONE $zone AS DATE) AS placed_on
    FROM orders
    WHERE customer IS NOT NULL AND status <> 'returned'
        AND ($currency::VARCHAR IS NULL OR currency = $currency)
),
customers_measured AS (
    SELECT
        customer,
        currency,
        any_value(asked.day) - max(placed_on) AS recency,
        if($frequency = 'days', count(DISTINCT placed_on), count(*)) AS frequency,
        if($monetary = 'total', sum(net), avg(net)::DECIMAL(38, 4)) AS monetary
    FROM bought CROSS JOIN asked
    WHERE placed_on <= asked.day
    GROUP BY customer, currency
)
SELECT
    c.customer,
    a.name,
    c.currency,
    c.recency,
    c.frequency,
    c.monetary,
    ntile(5) OVER (PARTITION BY c.currency ORDER BY c.recency DESC, c.customer) AS r,
    ntile(5) OVER (PARTITION BY c.currency ORDER BY c.frequency, c.customer) AS f,
    ntile(5) OVER (PARTITION BY c.currency ORDER BY c.monetary, c.customer) AS m
FROM customers_measured AS c LEFT JOIN accounts AS a ON a.id = c.customer
ORDER BY c.currency, c.monetary DESC, c.customer

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN customer IS NULL THEN 'orders of nobody'
        WHEN status = 'returned' THEN 'orders that came back whole'
        WHEN currency <> $currency::VARCHAR THEN 'orders in another currency'
        WHEN CAST(placed_at AT TIME ZONE $zone AS DATE) > $day::DATE THEN 'orders after the day'
    END AS why
    FROM orders
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

/*
title: Recency, frequency and value in short
definition: >
  Recency is the days from the last purchase to the day of the question, frequency how often they
  bought (by default on how many days), monetary what it came to, net of returns (by default in
  all). Orders that came back whole are no purchases. Amounts of different currencies are kept
  apart: a customer who pays in two has a row for each.
  This is the middle and the mean of each over all customers; `rfm` has them one by one.
source: RFM; recency is as-of day minus last day, which is not the recency of BTYD models
settings:
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  day: {kind: day, doc: The day of the question; by default the day of the cut}
  frequency: {default: days, allowed: [days, orders], doc: What is counted}
  monetary: {default: total, allowed: [total, mean], doc: The sum of all orders or their mean}
  currency: {doc: Only orders in this currency}
columns:
  currency: {doc: Currency of the amounts}
  customers: {unit: customers, doc: Customers with at least one purchase}
  recency_median: {unit: days, doc: Half of the customers bought since}
  recency_mean: {unit: days, doc: Mean days since the last purchase}
  frequency_median: {unit: times, doc: Half of the customers bought no more often}
  frequency_mean: {unit: times, doc: How often a customer bought on average}
  frequency_max: {unit: times, doc: How often the best customer bought}
  monetary_median: {unit: money, doc: Half of the customers paid no more}
  monetary_mean: {unit: money, doc: What a customer paid on average}
  monetary_max: {unit: money, doc: What the best customer paid}
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
    currency,
    count(*) AS customers,
    median(recency) AS recency_median,
    avg(recency) AS recency_mean,
    median(frequency) AS frequency_median,
    avg(frequency) AS frequency_mean,
    max(frequency) AS frequency_max,
    median(monetary) AS monetary_median,
    avg(monetary) AS monetary_mean,
    max(monetary) AS monetary_max
FROM customers_measured
GROUP BY currency
ORDER BY currency

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

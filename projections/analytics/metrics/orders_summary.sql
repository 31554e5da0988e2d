/*
title: Orders
definition: >
  Orders placed, the customers who placed them, the days on which they bought, and what the orders
  came to, for each currency. A customer is the account of an order or, where it has none, the
  contact. Net is what was charged less what was paid back. Where orders are in several currencies
  a last row without a currency has the counts; amounts are never added across currencies.
source: counts and sums; a purchase day is a calendar day in the zone
settings:
  zone: {kind: zone, default: UTC, doc: The time zone that days are told in}
  since: {kind: day, doc: The first day that counts; none means from the beginning}
  until: {kind: day, doc: The first day that counts no longer; none means to the end}
  currency: {doc: Only orders in this currency}
columns:
  currency: {doc: Currency of the amounts; none in the row of all}
  orders: {unit: orders, doc: Orders placed}
  customers: {unit: customers, doc: Different customers who placed them}
  customer_days: {unit: days, doc: Different pairs of customer and day}
  units: {unit: pieces, doc: Quantity over all lines}
  returned_units: {unit: pieces, doc: Quantity that came back}
  gross: {unit: money, doc: What was charged}
  returned: {unit: money, doc: What was paid back}
  net: {unit: money, doc: Gross less returned}
  free_orders: {unit: orders, doc: Orders that came to nothing}
  first_day: {doc: Day of the first order}
  last_day: {doc: Day of the last order}
*/
WITH counted AS (
    SELECT *, CAST(placed_at AT TIME ZONE $zone AS DATE) AS day
    FROM orders
    WHERE $currency::VARCHAR IS NULL OR currency = $currency
)
SELECT
    currency,
    count(*) AS orders,
    count(DISTINCT customer) AS customers,
    count(DISTINCT (customer, day)) FILTER (customer IS NOT NULL) AS customer_days,
    sum(quantity) AS units,
    sum(returned_quantity) AS returned_units,
    if(grouping(currency) = 0, sum(gross), NULL) AS gross,
    if(grouping(currency) = 0, sum(returned), NULL) AS returned,
    if(grouping(currency) = 0, sum(net), NULL) AS net,
    count(*) FILTER (gross = 0) AS free_orders,
    min(day) AS first_day,
    max(day) AS last_day
FROM counted
WHERE day >= coalesce($since::DATE, '-infinity') AND day < coalesce($until::DATE, 'infinity')
GROUP BY GROUPING SETS ((currency), ())
HAVING grouping(currency) = 0 OR count(DISTINCT currency) > 1
ORDER BY grouping(currency), currency

-- excluded:
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN currency <> $currency::VARCHAR THEN 'orders in another currency'
        WHEN CAST(placed_at AT TIME ZONE $zone AS DATE) < $since::DATE THEN 'orders before the days'
        WHEN CAST(placed_at AT TIME ZONE $zone AS DATE) >= $until::DATE THEN 'orders after the days'
    END AS why
    FROM orders
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

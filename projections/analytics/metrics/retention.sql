/*
title: Retention by cohort
definition: >
  Customers are put into a cohort by the period of their FIRST start event ever. Retained in
  period k are the different customers of a cohort with at least one return event in period k
  (`on`) or in period k or later (`on_or_after`). With the `calendar` window, period k is the k-th
  calendar period after that of the first event, told in the zone; with the `rolling` one each
  customer's periods begin with their own first event (a week is 7 times and a month 30 times 24
  hours). A period that is not over at `until` for all of the cohort is in progress: what was
  counted so far stands there, but no share, and no mean includes it. The rows without a cohort are
  means over the cohorts that have completed the period: `weighted` divides the sums,
  `simple` averages the shares.
source: >
  retained(k) / cohort size, with the choices that PostHog, Mixpanel and Amplitude name in their
  documentation of retention
settings:
  start: {kind: event, default: order.placed, doc: The event or kind of record (order) that begins a cohort}
  returning: {kind: event, default: order.placed, doc: The event or kind of record that shows a return}
  customer: {default: customer, allowed: [customer, account, contact],
    doc: Whose events; customer is the account of an event or else its contact}
  period: {default: month, allowed: [day, week, month], doc: The length of a period}
  window: {default: calendar, allowed: [calendar, rolling], doc: Where periods begin}
  counting: {default: 'on', allowed: ['on', on_or_after], doc: What a return in a period means}
  mean: {default: weighted, allowed: [weighted, simple], doc: How the mean row is made}
  periods: {kind: integer, default: 12, least: 1, most: 400, doc: The last period shown}
  zone: {kind: zone, default: UTC, doc: The time zone that calendar periods are told in}
  since: {kind: day, doc: The first day of the first cohort that is shown}
  until: {kind: day, doc: The first day that is not observed any more; by default the cut or now}
columns:
  cohort: {doc: First day of the period of the first event; none in the rows of means}
  size: {unit: customers, doc: Customers in the cohort; in a mean row those of the cohorts in it}
  period: {unit: periods, doc: "Periods after the first event, from 0"}
  retained: {unit: customers, doc: Customers who returned}
  share: {unit: share, doc: "retained / size, none while the period is in progress"}
  complete: {doc: Whether the period is over for the whole cohort}
  cohorts: {unit: cohorts, doc: How many cohorts the row stands for}
*/
WITH asked AS (
    SELECT
        coalesce(
            $until::TIMESTAMP,
            ($as_of::TIMESTAMPTZ AT TIME ZONE $zone) + INTERVAL 1 MICROSECOND
        ) AS until,
        CASE $period
            WHEN 'day' THEN INTERVAL 1 DAY
            WHEN 'week' THEN INTERVAL 7 DAY
            ELSE if($window = 'rolling', INTERVAL 30 DAY, INTERVAL 1 MONTH)
        END AS length
),
facts AS (
    SELECT
        position,
        occurred_at AT TIME ZONE $zone AS moment,
        $start IN (name, noun) AS starts,
        $returning IN (name, noun) AS returns,
        unnest(subjects) AS subject
    FROM events
    WHERE $start IN (name, noun) OR $returning IN (name, noun)
),
known AS (
    SELECT facts.*, customers.noun AS kind
    FROM facts JOIN customers ON customers.id = facts.subject
),
acts AS (
    SELECT subject AS customer, moment, starts, returns
    FROM known CROSS JOIN asked
    WHERE moment < asked.until
        AND CASE $customer
            WHEN 'customer' THEN
                kind = 'account' OR position NOT IN (
                    SELECT position FROM known WHERE kind = 'account'
                )
            ELSE kind = $customer
        END
),
births AS (
    SELECT customer, min(moment) AS born, CAST(date_trunc($period, min(moment)) AS DATE) AS cohort
    FROM acts
    WHERE starts
    GROUP BY customer
    HAVING $since::DATE IS NULL OR min(moment) >= $since::TIMESTAMP
),
cohorts AS (
    SELECT
        cohort,
        count(*) AS size,
        if($window = 'rolling', min(born), cohort) AS earliest,
        if($window = 'rolling', max(born), cohort) AS latest
    FROM births
    GROUP BY cohort
),
reached AS (
    SELECT
        customer,
        cohort,
        if(
            $window = 'rolling',
            floor(epoch(moment - born) / epoch(asked.length))::BIGINT,
            date_diff($period, cohort, moment)
        ) AS period
    FROM acts JOIN births USING (customer) CROSS JOIN asked
    WHERE returns AND moment >= born
),
counted AS (
    SELECT cohort, period, count(DISTINCT customer) AS customers
    FROM (
        SELECT cohort, customer, if($counting = 'on', period, max(period) OVER its) AS period
        FROM reached
        WINDOW its AS (PARTITION BY customer)
    )
    GROUP BY cohort, period
),
grid AS (
    SELECT
        cohort,
        size,
        n.period,
        latest + (n.period + 1) * asked.length <= asked.until AS complete
    FROM cohorts CROSS JOIN asked CROSS JOIN (SELECT unnest(range($periods + 1)) AS period) AS n
    WHERE earliest + n.period * asked.length < asked.until
),
cells AS (
    SELECT
        grid.cohort,
        grid.size,
        grid.period,
        coalesce(sum(counted.customers), 0)::BIGINT AS retained,
        grid.complete
    FROM grid LEFT JOIN counted
        ON counted.cohort = grid.cohort
        AND (
            counted.period = grid.period
            OR ($counting = 'on_or_after' AND counted.period >= grid.period)
        )
    GROUP BY ALL
)
SELECT
    cohort,
    size,
    period,
    retained,
    if(complete, retained / size, NULL) AS share,
    complete,
    1::BIGINT AS cohorts
FROM cells
UNION ALL
SELECT
    NULL AS cohort,
    sum(size)::BIGINT AS size,
    period,
    sum(retained)::BIGINT AS retained,
    if($mean = 'weighted', sum(retained) / sum(size), avg(retained / size)) AS share,
    true AS complete,
    count(*) AS cohorts
FROM cells
WHERE complete
GROUP BY period
ORDER BY cohort NULLS LAST, period

-- excluded:
WITH facts AS (
    SELECT *
    FROM events
    WHERE $start IN (name, noun) OR $returning IN (name, noun)
),
whose AS (
    SELECT DISTINCT position
    FROM (SELECT position, unnest(subjects) AS subject FROM facts) AS f
    JOIN customers ON customers.id = f.subject
    WHERE $customer IN ('customer', customers.noun)
)
SELECT why, count(*) AS rows
FROM (
    SELECT CASE
        WHEN position NOT IN (FROM whose) THEN 'events that concern no such customer'
        WHEN occurred_at AT TIME ZONE $zone >= $until::TIMESTAMP THEN 'events after the days'
    END AS why
    FROM facts
)
WHERE why IS NOT NULL
GROUP BY why
ORDER BY why

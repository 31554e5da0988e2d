-- What analysts ask about: records as they stand at the cut, folded from the facts in log order.
-- Each of them equals the view of that name that people look at, less its personal fields.

-- The last value that was said; `cleared` names fields that a fact has emptied. It is for fields
-- that can be emptied by the facts that have them; of others the last value stands.
CREATE MACRO said(value, cleared, field, position) AS
    (arg_max({'v': value}, position)
        FILTER (value IS NOT NULL OR list_contains(cleared, field))).v;

-- The value of the last fact of some kind, even where that is null.
CREATE MACRO told(value, position, counts) AS
    (arg_max({'v': value}, position) FILTER (counts)).v;

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
        arg_max(occurred_at, position) AS changed_at
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
COMMENT ON COLUMN contacts.lead IS 'The lead that they were before';

CREATE VIEW customers AS
SELECT stream AS id, 'account' AS noun FROM account_opened
UNION ALL SELECT stream AS id, 'contact' AS noun FROM contact_added;
COMMENT ON VIEW customers IS 'Accounts and contacts: who can buy';
COMMENT ON COLUMN customers.noun IS 'account or contact';

CREATE VIEW leads AS
SELECT
    stream AS id,
    max(version) AS version,
    said(company, cleared, 'company', position) AS company,
    said(said_source, cleared, 'source', position) AS source,
    said(campaign, cleared, 'campaign', position) AS campaign,
    said(external_id, cleared, 'external_id', position) AS external_id,
    arg_max(owner, position) AS owner,
    CASE arg_max(what, position) FILTER (what NOT IN ('details_changed', 'assigned'))
        WHEN 'captured' THEN 'new'
        WHEN 'reopened' THEN if(bool_or(what = 'qualified'), 'qualified', 'new')
        ELSE arg_max(what, position) FILTER (what NOT IN ('details_changed', 'assigned'))
    END AS status,
    told(score, position, what = 'qualified') AS score,
    told(discard_reason, position, what IN ('discarded', 'reopened')) AS discard_reason,
    told(contact, position, what = 'converted') AS contact,
    told(account, position, what = 'converted') AS account,
    told(opportunity, position, what = 'converted') AS opportunity,
    min(occurred_at) FILTER (what = 'captured') AS captured_at,
    arg_max(occurred_at, position) FILTER (what = 'qualified') AS qualified_at,
    told(
        if(what = 'reopened', NULL, occurred_at),
        position,
        what IN ('discarded', 'converted', 'reopened')
    ) AS closed_at,
    arg_max(occurred_at, position) AS changed_at
FROM lead_facts
GROUP BY stream
HAVING bool_or(what = 'captured');
COMMENT ON VIEW leads IS 'Leads, one row each, without personal fields';
COMMENT ON COLUMN leads.status IS 'new, qualified, discarded or converted';
COMMENT ON COLUMN leads.score IS '0 to 100';
COMMENT ON COLUMN leads.contact IS 'What it was converted into, as are account and opportunity';
COMMENT ON COLUMN leads.closed_at IS 'When it was discarded or converted';

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

CREATE VIEW pipelines AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(name, position) AS name,
    arg_max(stages, position) AS stages,
    min(occurred_at) FILTER (what = 'defined') AS defined_at,
    arg_max(occurred_at, position) AS changed_at
FROM pipeline_facts
GROUP BY stream
HAVING bool_or(what = 'defined');
COMMENT ON VIEW pipelines IS 'Pipelines, one row each, with their stages in order';
COMMENT ON COLUMN pipelines.stages IS 'In order, with the chance to win from each';

CREATE VIEW opportunities AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(name, position) FILTER (what IN ('opened', 'renamed')) AS name,
    arg_max(pipeline, position) AS pipeline,
    arg_max(coalesce(stage, to_stage), position) AS stage,
    CASE arg_max(what, position) FILTER (what IN ('opened', 'won', 'lost', 'reopened'))
        WHEN 'won' THEN 'won'
        WHEN 'lost' THEN 'lost'
        ELSE 'open'
    END AS status,
    arg_max(account, position) AS account,
    arg_max(owner, position) AS owner,
    arg_max(product, position) AS product,
    arg_max(lead, position) AS lead,
    told(
        amount, position, what IN ('opened', 'revalued') OR (what = 'won' AND amount IS NOT NULL)
    ) AS amount,
    told(
        currency, position, what IN ('opened', 'revalued') OR (what = 'won' AND amount IS NOT NULL)
    ) AS currency,
    arg_max(expected_close, position) AS expected_close,
    arg_max(lead_source, position) AS lead_source,
    told(lost_reason, position, what IN ('lost', 'reopened')) AS lost_reason,
    arg_max(external_id, position) AS external_id,
    min(occurred_at) FILTER (what = 'opened') AS opened_at,
    arg_max(occurred_at, position) FILTER (what IN ('opened', 'stage_changed', 'reopened'))
        AS stage_since,
    told(
        if(what = 'reopened', NULL, occurred_at), position, what IN ('won', 'lost', 'reopened')
    ) AS closed_at,
    arg_max(occurred_at, position) AS changed_at
FROM opportunity_facts
GROUP BY stream
HAVING bool_or(what = 'opened');
COMMENT ON VIEW opportunities IS 'Chances to sell, one row each, open, won or lost';
COMMENT ON COLUMN opportunities.status IS 'open, won or lost';
COMMENT ON COLUMN opportunities.stage_since IS 'When it came into the stage';
COMMENT ON COLUMN opportunities.closed_at IS 'When it was won or lost';
COMMENT ON COLUMN opportunities.amount IS 'In the currency beside it';
COMMENT ON COLUMN opportunities.lead IS 'The lead whose conversion opened it';

CREATE VIEW opportunities_named AS
SELECT
    o.*,
    p.name AS pipeline_name,
    a.name AS account_name,
    r.name AS product_name,
    m.name AS owner_name,
    m.team AS team,
    m.office AS office,
    b.name AS manager_name
FROM opportunities AS o
LEFT JOIN pipelines AS p ON p.id = o.pipeline
LEFT JOIN accounts AS a ON a.id = o.account
LEFT JOIN products AS r ON r.id = o.product
LEFT JOIN members AS m ON m.id = o.owner
LEFT JOIN members AS b ON b.id = m.manager;
COMMENT ON VIEW opportunities_named IS
    'Opportunities with the names of what they refer to, and the place of their owner';
COMMENT ON COLUMN opportunities_named.team IS 'Of the owner, as are office and manager';

CREATE VIEW stage_spans AS
WITH moves AS (
    SELECT
        stream, position, occurred_at, what, coalesce(stage, to_stage) AS stage,
        lead(occurred_at) OVER following AS left_at,
        lead(position) OVER following AS left_position,
        lead(if(what IN ('won', 'lost'), what, coalesce(stage, to_stage))) OVER following
            AS left_for
    FROM opportunity_facts
    WHERE what IN ('opened', 'stage_changed', 'won', 'lost', 'reopened')
    WINDOW following AS (PARTITION BY stream ORDER BY position)
),
stays AS (
    SELECT
        opened.stream AS opportunity,
        opened.pipeline,
        row_number() OVER (PARTITION BY moves.stream ORDER BY moves.position) AS n,
        moves.stage,
        moves.occurred_at AS entered_at,
        moves.left_at,
        moves.left_for,
        coalesce(moves.left_position, 9223372036854775807) AS until_position
    FROM moves JOIN opportunity_opened AS opened ON opened.stream = moves.stream
    WHERE moves.stage IS NOT NULL
),
owners AS (
    SELECT stream, position, owner FROM opportunity_facts WHERE owner IS NOT NULL
)
SELECT stays.* EXCLUDE until_position, owners.owner
FROM stays ASOF LEFT JOIN owners
    ON owners.stream = stays.opportunity AND stays.until_position >= owners.position;
COMMENT ON VIEW stage_spans IS
    'Every stay of an opportunity in a stage, until it left for the next one, won or lost';
COMMENT ON COLUMN stage_spans.n IS 'Number of the stay, from 1';
COMMENT ON COLUMN stage_spans.left_for IS 'The next stage, or won or lost';
COMMENT ON COLUMN stage_spans.owner IS 'At the end of the stay, or now';

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

CREATE VIEW case_log AS
WITH facts AS (
    SELECT
        *,
        CASE what
            WHEN 'opened' THEN if(owner IS NULL, 'new', 'assigned')
            WHEN 'started' THEN 'in_progress'
            WHEN 'resumed' THEN 'in_progress'
            WHEN 'reopened' THEN 'in_progress'
            WHEN 'waiting' THEN 'waiting'
            WHEN 'resolved' THEN 'resolved'
            WHEN 'closed' THEN 'closed'
            WHEN 'status_logged' THEN phase
        END AS leads_to
    FROM case_facts
),
last AS (
    SELECT
        *,
        arg_max(leads_to, position) OVER so_far AS led_to,
        max(position) FILTER (leads_to IS NOT NULL) OVER so_far AS led_position,
        max(position) FILTER (what = 'assigned') OVER so_far AS assigned_position
    FROM facts
    WHERE stream IN (SELECT stream FROM case_opened)
    WINDOW so_far AS (PARTITION BY stream ORDER BY position)
),
phases AS (
    SELECT
        * EXCLUDE (phase, leads_to, led_to, led_position, assigned_position),
        if(led_to = 'new' AND assigned_position > led_position, 'assigned', led_to) AS phase
    FROM last
)
SELECT
    stream AS "case",
    version,
    position,
    occurred_at,
    what,
    status,
    phase,
    lag(phase) OVER (PARTITION BY stream ORDER BY position) AS phase_before,
    coalesce(waiting_on, "on") AS waiting_on,
    worker,
    owner,
    team,
    priority,
    score,
    scale_max
FROM phases;
COMMENT ON VIEW case_log IS
    'Every fact of a case with the phase that it led to; what = status_logged are lines of '
    'another system';
COMMENT ON COLUMN case_log.what IS 'What happened; status_logged is a line of another system';
COMMENT ON COLUMN case_log.status IS 'The word of the other system';
COMMENT ON COLUMN case_log.phase IS 'The phase after the fact';
COMMENT ON COLUMN case_log.phase_before IS 'The phase before it';
COMMENT ON COLUMN case_log.worker IS 'Who worked on it in the other system';

CREATE VIEW cases AS
WITH moves AS (
    SELECT
        "case", position, occurred_at, phase, phase_before,
        arg_max(occurred_at, position)
            FILTER (phase = 'waiting' AND phase_before IS DISTINCT FROM 'waiting')
            OVER so_far AS wait_began_at,
        max(position)
            FILTER (phase_before IN ('resolved', 'closed') AND phase NOT IN ('resolved', 'closed'))
            OVER (PARTITION BY "case") AS reopened_position
    FROM case_log
    WHERE phase IS DISTINCT FROM phase_before
    WINDOW so_far AS (PARTITION BY "case" ORDER BY position)
),
times AS (
    SELECT
        "case",
        arg_min(occurred_at, position) FILTER (phase NOT IN ('new', 'assigned'))
            AS first_response_at,
        arg_max(occurred_at, position)
            FILTER (phase = 'resolved' AND position > coalesce(reopened_position, 0))
            AS resolved_at,
        arg_max(occurred_at, position)
            FILTER (phase = 'closed' AND position > coalesce(reopened_position, 0)) AS closed_at,
        if(arg_max(phase, position) = 'waiting', arg_max(wait_began_at, position), NULL)
            AS waiting_since,
        coalesce(sum(greatest(0, trunc(epoch(occurred_at - wait_began_at))))
            FILTER (phase_before = 'waiting'), 0)::BIGINT AS waiting_seconds,
        count(*) FILTER (phase = 'waiting') AS wait_count,
        count(*) FILTER (
            phase_before IN ('resolved', 'closed') AND phase NOT IN ('resolved', 'closed')
        ) AS reopened_count
    FROM moves
    GROUP BY "case"
),
known AS (
    SELECT
        "case",
        max(version) AS version,
        arg_max(phase, position) AS phase,
        told(status, position, what = 'status_logged') AS status,
        if(
            arg_max(phase, position) = 'waiting',
            told(waiting_on, position, what IN ('waiting', 'status_logged')),
            NULL
        ) AS waiting_on,
        arg_max(priority, position) AS priority,
        told(owner, position, what IN ('opened', 'assigned')) AS owner,
        told(team, position, what IN ('opened', 'assigned')) AS team,
        told(worker, position, what = 'status_logged') AS worker,
        told(score, position, what = 'rated') AS score,
        told(scale_max, position, what = 'rated') AS scale_max,
        arg_max(occurred_at, position) AS changed_at
    FROM case_log
    GROUP BY "case"
)
SELECT
    o.stream AS id,
    k.version,
    o.number,
    o.subject,
    k.phase,
    k.status,
    k.waiting_on,
    k.priority,
    o.channel,
    o.kind,
    o.account,
    o.contact,
    coalesce(o.account, o.contact) AS customer,
    o.product,
    k.owner,
    k.team,
    k.worker,
    k.score,
    k.scale_max,
    o.external_id,
    o.occurred_at AS opened_at,
    t.first_response_at,
    t.resolved_at,
    t.closed_at,
    t.waiting_since,
    t.waiting_seconds,
    t.wait_count,
    t.reopened_count,
    k.changed_at
FROM case_opened AS o
JOIN known AS k ON k."case" = o.stream
JOIN times AS t ON t."case" = o.stream;
COMMENT ON VIEW cases IS 'What customers asked of us, one row each, with the times of service';
COMMENT ON COLUMN cases.status IS 'The last word of the other system';
COMMENT ON COLUMN cases.customer IS 'The account, or else the contact';
COMMENT ON COLUMN cases.first_response_at IS 'When it left new and assigned for the first time';
COMMENT ON COLUMN cases.waiting_seconds IS 'In all the waits that have ended';
COMMENT ON COLUMN cases.changed_at IS 'When the last fact about it was true';

CREATE VIEW interactions AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(channel, position) AS channel,
    arg_max(direction, position) AS direction,
    said(kind, if(what = 'corrected', cleared, NULL), 'kind', position) AS kind,
    said(contact, if(what = 'reattributed', cleared, NULL), 'contact', position) AS contact,
    said(account, if(what = 'reattributed', cleared, NULL), 'account', position) AS account,
    said(lead, if(what = 'reattributed', cleared, NULL), 'lead', position) AS lead,
    said(opportunity, if(what = 'reattributed', cleared, NULL), 'opportunity', position)
        AS opportunity,
    said("case", if(what = 'corrected', cleared, NULL), 'case', position) AS "case",
    said(member, if(what = 'corrected', cleared, NULL), 'member', position) AS member,
    said(campaign, if(what = 'corrected', cleared, NULL), 'campaign', position) AS campaign,
    said(url, if(what = 'corrected', cleared, NULL), 'url', position) AS url,
    said(duration_seconds, if(what = 'corrected', cleared, NULL), 'duration_seconds', position)
        AS duration_seconds,
    arg_max(external_id, position) AS external_id,
    arg_max(actor, position) FILTER (what = 'recorded') AS recorded_by,
    min(occurred_at) FILTER (what = 'recorded') AS occurred_at,
    arg_max(occurred_at, position) AS changed_at
FROM interaction_facts
GROUP BY stream
HAVING bool_or(what = 'recorded') AND NOT bool_or(what = 'withdrawn');
COMMENT ON VIEW interactions IS
    'Contacts between customers and us on any channel, one row each, without personal fields';
COMMENT ON COLUMN interactions.direction IS 'in is the customer to us';
COMMENT ON COLUMN interactions.kind IS 'What happened on the channel';
COMMENT ON COLUMN interactions.recorded_by IS 'The actor who recorded it';

CREATE VIEW tasks AS
SELECT
    stream AS id,
    max(version) AS version,
    arg_max(subject, position) AS subject,
    arg_max(kind, position) AS kind,
    CASE arg_max(what, position) FILTER (what IN ('planned', 'done', 'dropped', 'reopened'))
        WHEN 'done' THEN 'done'
        WHEN 'dropped' THEN 'dropped'
        ELSE 'open'
    END AS status,
    arg_max(due, position) AS due,
    told(remind_at, position, what IN ('planned', 'reminder_set', 'reminder_cleared'))
        AS remind_at,
    arg_max(assignee, position) AS assignee,
    arg_max(about, position) AS about,
    arg_max(noun, position) AS noun,
    arg_max(contact, position) AS contact,
    arg_max(account, position) AS account,
    arg_max(lead, position) AS lead,
    told(drop_reason, position, what IN ('dropped', 'reopened')) AS drop_reason,
    arg_max(actor, position) FILTER (what = 'planned') AS planned_by,
    min(occurred_at) FILTER (what = 'planned') AS planned_at,
    told(
        if(what = 'reopened', NULL, occurred_at), position, what IN ('done', 'dropped', 'reopened')
    ) AS closed_at,
    arg_max(occurred_at, position) AS changed_at
FROM task_facts
GROUP BY stream
HAVING bool_or(what = 'planned');
COMMENT ON VIEW tasks IS 'What is to be done, one row each';
COMMENT ON COLUMN tasks.status IS 'open, done or dropped';
COMMENT ON COLUMN tasks.noun IS 'What kind of record it is about';
COMMENT ON COLUMN tasks.planned_by IS 'The actor who planned it';
COMMENT ON COLUMN tasks.closed_at IS 'When it was done or dropped';

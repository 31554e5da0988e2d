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

-- add_settlements --
-- Insert the settlements of one posting; return their ids, which rise in their order.
-- By hand: as on PostgreSQL. A retry settles a thousand at once, for which one statement takes half the time of a
-- statement for each row.
-- Left to the database: undone_by_id
-- Example: site_id = 1, posting_id = 1, rows = '[[11, "resolved", 2000000, 0, null, ""]]'
INSERT INTO unresolved_settlement (
    site_id, movement_id, posting_id, outcome, moved, dropped, kept_id, remarks
)
SELECT
    :site_id, k.movement_id, :posting_id, k.outcome, k.moved, k.dropped, k.kept_id, k.remarks
FROM (
    SELECT value ->> 0 AS movement_id, value ->> 1 AS outcome, value ->> 2 AS moved, value ->> 3 AS dropped,
           value ->> 4 AS kept_id, value ->> 5 AS remarks, key
    FROM json_each(:rows)
) k
ORDER BY k.key
RETURNING id;

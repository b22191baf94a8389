-- moves_of_counted_stock --
-- Read what moved or waits at the places where an item was counted: item, location, moment and order of what it goes
-- back to, booking, frozen line, the change in millionths, and whether it came from outside. What waits counts as used,
-- a settlement at the time of its assumption, a reversal at that of its original (H2). Differences of counts and their
-- changes are left out (H3, H4).
-- By hand: both ends of each movement in one pass; the ORM would take two passes and a thousand statements.
-- Example: site_id = 1
SELECT e.item_id, e.location_id, COALESCE(o.at, r.at, e.at) AS at,
       COALESCE(o.posting_id, r.posting_id, e.posting_id) AS ord, b.id AS booking,
       COALESCE(e.line_id, o.line_id, r.line_id) AS line, e.amount, e.outside
FROM (
    SELECT m.item_id, m.target_id AS location_id, m.at, m.posting_id, m.line_id, m.origin_id, m.reverses_id,
           m.site_id, m.quantity + COALESCE(m.due, 0) AS amount, CASE WHEN l.has_balance THEN 0 ELSE 1 END AS outside
    FROM ledger_movement m
    JOIN stockmap_location l ON l.id = m.source_id
    WHERE m.site_id = :site_id AND m.status IN ('ok', 'unresolved')
    UNION ALL
    SELECT m.item_id, m.source_id AS location_id, m.at, m.posting_id, m.line_id, m.origin_id, m.reverses_id,
           m.site_id, -(m.quantity + COALESCE(m.due, 0)) AS amount, 0 AS outside
    FROM ledger_movement m
    WHERE m.site_id = :site_id AND m.status IN ('ok', 'unresolved')
) e
JOIN (
    SELECT DISTINCT item_id, location_id
    FROM counts_stockcount
    WHERE site_id = :site_id AND reversed_by_id IS NULL AND status NOT IN ('replaced', 'rejected')
) c ON c.item_id = e.item_id AND c.location_id = e.location_id
LEFT JOIN ledger_movement o ON o.id = e.origin_id AND o.site_id = e.site_id
LEFT JOIN ledger_movement r ON r.id = e.reverses_id AND r.site_id = e.site_id
LEFT JOIN backflushing_booking b
       ON b.posting_id = COALESCE(o.posting_id, r.posting_id, e.posting_id) AND b.site_id = e.site_id
WHERE NOT EXISTS (SELECT 1 FROM counts_countchange g WHERE g.site_id = e.site_id AND g.posting_id = e.posting_id);

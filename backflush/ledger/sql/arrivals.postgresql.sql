-- fitting_movements --
-- Return the unresolved movements that fit the present stock, each by itself.
-- By hand: begins with the stock, and searches the index of unresolved movements once for each item and location;
-- PostgreSQL keeps the order of a lateral join. The limit within it ends each search early.
-- Example: site_id = 1, most = 500
SELECT f.id
FROM (
    SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there
    FROM ledger_balance
    WHERE site_id = :site_id
    GROUP BY item_id, location_id
    HAVING SUM(quantity) > 0
) t
CROSS JOIN LATERAL (
    SELECT m.id
    FROM ledger_movement m
    WHERE m.site_id = :site_id AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id
      AND m.reason = 'short' AND m.due <= t.there
    LIMIT :most
) f
LIMIT :most;

-- waiting_items_with_stock --
-- Return the items and locations that have both stock and unresolved movements.
-- By hand: as fitting_movements.
-- Example: site_id = 1
SELECT t.item_id, t.location_id
FROM (
    SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there
    FROM ledger_balance
    WHERE site_id = :site_id
    GROUP BY item_id, location_id
    HAVING SUM(quantity) > 0
) t
CROSS JOIN LATERAL (
    SELECT 1
    FROM ledger_movement m
    WHERE m.site_id = :site_id AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id
    LIMIT 1
) f;

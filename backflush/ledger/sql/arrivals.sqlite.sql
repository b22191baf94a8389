-- fitting_movements --
-- Return the unresolved movements that fit the present stock, each by itself.
-- By hand: as on PostgreSQL. SQLite keeps the order of a cross join.
-- Example: site_id = 1, most = 500
SELECT m.id
FROM (
    SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there
    FROM ledger_balance
    WHERE site_id = :site_id
    GROUP BY item_id, location_id
    HAVING SUM(quantity) > 0
) t
CROSS JOIN ledger_movement m
WHERE m.site_id = :site_id AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id
  AND m.reason = 'short' AND m.due <= t.there
LIMIT :most;

-- waiting_items_with_stock --
-- Return the items and locations that have both stock and unresolved movements.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1
SELECT t.item_id, t.location_id
FROM (
    SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there
    FROM ledger_balance
    WHERE site_id = :site_id
    GROUP BY item_id, location_id
    HAVING SUM(quantity) > 0
) t
WHERE EXISTS (
    SELECT 1
    FROM ledger_movement m
    WHERE m.site_id = :site_id AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id
);

-- balances_of_items_at_moment --
-- Return the balances of some items at a past moment, as balances_at_moment does for all.
-- By hand: as balances_at_moment, which is planned otherwise for all items than for some.
-- Example: site_id = 1, items = '{7, 8}',
-- since = '2026-01-01', until = '2026-02-01', sign = 1, closing_id = 3, from_now = false
SELECT item_id, location_id, bin, batch, serial, SUM(whole) AS whole, SUM(part) AS part
FROM (
    SELECT item_id, CASE w.way WHEN 1 THEN target_id ELSE source_id END AS location_id,
           CASE w.way WHEN 1 THEN target_bin ELSE source_bin END AS bin, batch, serial,
           :sign * w.way * whole AS whole, :sign * w.way * part AS part
    FROM (
        SELECT item_id, source_id, source_bin, target_id, target_bin, batch, serial,
               SUM(quantity / 1000000) AS whole, SUM(quantity % 1000000) AS part
        FROM ledger_movement
        WHERE site_id = :site_id AND quantity > 0 AND at >= :since AND at < :until
          AND item_id = ANY(:items)
        GROUP BY item_id, source_id, source_bin, target_id, target_bin, batch, serial
    ) m
    CROSS JOIN (SELECT 1 AS way UNION ALL SELECT -1) w
    UNION ALL
    SELECT item_id, location_id, bin, batch, serial, quantity / 1000000, quantity % 1000000
    FROM ledger_periodbalance
    WHERE site_id = :site_id AND closing_id = :closing_id AND item_id = ANY(:items)
    UNION ALL
    SELECT item_id, location_id, bin, batch, serial, quantity / 1000000, quantity % 1000000
    FROM ledger_balance
    WHERE site_id = :site_id AND quantity <> 0 AND :from_now AND item_id = ANY(:items)
) u
WHERE location_id IN (SELECT id FROM stockmap_location WHERE has_balance)
GROUP BY item_id, location_id, bin, batch, serial
HAVING SUM(whole) * 1000000 + SUM(part) <> 0;

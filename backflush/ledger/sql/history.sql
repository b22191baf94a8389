-- Balances at a past moment: those of a known moment, and the movements in between added (sign = 1) or subtracted
-- (sign = -1). The known moment is the beginning, the end of a closed period (closing_id), or now (from_now).

-- balances_at_moment --
-- Return the balances of a site at a past moment, without zeros, in whole units and millionths: SQLite's sum of
-- millionths would overflow 64 bits.
-- By hand: the movements are summed by source and target first, because there are few such pairs, and each is then
-- counted once at either end. SQLite keeps the order of a cross join, so the movements come first.
-- Example: site_id = 1, since = '2026-01-01', until = '2026-02-01', sign = 1, closing_id = 3, from_now = false
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
        GROUP BY item_id, source_id, source_bin, target_id, target_bin, batch, serial
    ) m
    CROSS JOIN (SELECT 1 AS way UNION ALL SELECT -1) w
    UNION ALL
    SELECT item_id, location_id, bin, batch, serial, quantity / 1000000, quantity % 1000000
    FROM ledger_periodbalance
    WHERE site_id = :site_id AND closing_id = :closing_id
    UNION ALL
    SELECT item_id, location_id, bin, batch, serial, quantity / 1000000, quantity % 1000000
    FROM ledger_balance
    WHERE site_id = :site_id AND quantity <> 0 AND :from_now
) u
WHERE location_id IN (SELECT id FROM stockmap_location WHERE has_balance)
GROUP BY item_id, location_id, bin, batch, serial
HAVING SUM(whole) * 1000000 + SUM(part) <> 0;

-- keep_balances_at_moment --
-- Store the balances of a site at a past moment as those at the end of a period.
-- By hand: as balances_at_moment; the balances don't leave the database.
-- Example: site_id = 1, of_closing_id = 4,
-- since = '2026-01-01', until = '2026-02-01', sign = 1, closing_id = 3, from_now = false
INSERT INTO ledger_periodbalance (site_id, closing_id, item_id, location_id, bin, batch, serial, quantity)
SELECT :site_id, :of_closing_id, item_id, location_id, bin, batch, serial, whole * 1000000 + part
FROM (
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
            GROUP BY item_id, source_id, source_bin, target_id, target_bin, batch, serial
        ) m
        CROSS JOIN (SELECT 1 AS way UNION ALL SELECT -1) w
        UNION ALL
        SELECT item_id, location_id, bin, batch, serial, quantity / 1000000, quantity % 1000000
        FROM ledger_periodbalance
        WHERE site_id = :site_id AND closing_id = :closing_id
        UNION ALL
        SELECT item_id, location_id, bin, batch, serial, quantity / 1000000, quantity % 1000000
        FROM ledger_balance
        WHERE site_id = :site_id AND quantity <> 0 AND :from_now
    ) u
    WHERE location_id IN (SELECT id FROM stockmap_location WHERE has_balance)
    GROUP BY item_id, location_id, bin, batch, serial
    HAVING SUM(whole) * 1000000 + SUM(part) <> 0
) p;

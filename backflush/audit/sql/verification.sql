-- Each of these returns faults only, so it returns nothing for a valid ledger. Whole units and millionths are summed
-- separately, because a sum of millionths could exceed 64 bits on SQLite. Archived movements are represented by their
-- stretches, each like one movement in the history of its balance.

-- balances_against_movements --
-- Return the balances that aren't the sum of their movements, with the difference in whole units and millionths.
-- By hand: one pass over all movements and balances; the ORM can't sum over a UNION.
-- Example:
SELECT i.code, l.path, d.bin, d.batch, d.serial, d.whole, d.part
FROM (
    SELECT site_id, item_id, location_id, bin, batch, serial, SUM(whole) AS whole, SUM(part) AS part
    FROM (
        SELECT site_id, item_id, target_id AS location_id, target_bin AS bin, batch, serial,
               quantity / 1000000 AS whole, quantity % 1000000 AS part
        FROM ledger_movement
        WHERE quantity > 0
        UNION ALL
        SELECT site_id, item_id, source_id, source_bin, batch, serial, -(quantity / 1000000), -(quantity % 1000000)
        FROM ledger_movement
        WHERE quantity > 0
        UNION ALL
        SELECT site_id, item_id, location_id, bin, batch, serial, change / 1000000, change % 1000000
        FROM ledger_archivedstretch
        WHERE after IS NOT NULL
        UNION ALL
        SELECT site_id, item_id, location_id, bin, batch, serial, -(quantity / 1000000), -(quantity % 1000000)
        FROM ledger_balance
    ) u
    GROUP BY site_id, item_id, location_id, bin, batch, serial
    HAVING SUM(whole) * 1000000 + SUM(part) <> 0
) d
JOIN items_item i ON i.id = d.item_id
JOIN stockmap_location l ON l.id = d.location_id AND l.has_balance
ORDER BY i.code, l.path;

-- impossible_balances --
-- Return the balances that are negative, more than one piece of a serial number, or at a location without balances.
-- By hand: it stands beside the other checks, to be pasted like them.
-- Example:
SELECT i.code, l.path, b.bin, b.batch, b.serial, b.quantity
FROM ledger_balance b
JOIN items_item i ON i.id = b.item_id
JOIN stockmap_location l ON l.id = b.location_id
WHERE b.quantity < 0 OR (b.serial <> '' AND b.quantity > 1000000) OR (b.quantity <> 0 AND NOT l.has_balance)
ORDER BY i.code, l.path;

-- serials_in_two_places --
-- Return the serial numbers that are in stock at more than one place of a site, with the number of places.
-- By hand: it stands beside the other checks, to be pasted like them.
-- Example:
SELECT i.code, b.serial, COUNT(*)
FROM ledger_balance b
JOIN items_item i ON i.id = b.item_id
WHERE b.serial <> '' AND b.quantity > 0
GROUP BY b.site_id, i.code, b.serial
HAVING COUNT(*) > 1
ORDER BY i.code, b.serial;

-- items_in_against_out --
-- Return the items of which more or less came in from outside than went out and is in stock.
-- By hand: one pass over all movements and balances; the ORM can't sum over a UNION.
-- Example:
SELECT i.code, d.whole, d.part
FROM (
    SELECT site_id, item_id, SUM(whole) AS whole, SUM(part) AS part
    FROM (
        SELECT m.site_id, m.item_id, m.quantity / 1000000 AS whole, m.quantity % 1000000 AS part
        FROM ledger_movement m
        JOIN stockmap_location s ON s.id = m.source_id AND NOT s.has_balance
        JOIN stockmap_location t ON t.id = m.target_id AND t.has_balance
        UNION ALL
        SELECT m.site_id, m.item_id, -(m.quantity / 1000000), -(m.quantity % 1000000)
        FROM ledger_movement m
        JOIN stockmap_location s ON s.id = m.source_id AND s.has_balance
        JOIN stockmap_location t ON t.id = m.target_id AND NOT t.has_balance
        UNION ALL
        SELECT site_id, item_id, change / 1000000, change % 1000000
        FROM ledger_archivedstretch
        WHERE after IS NOT NULL
        UNION ALL
        SELECT site_id, item_id, -(quantity / 1000000), -(quantity % 1000000)
        FROM ledger_balance
    ) u
    GROUP BY site_id, item_id
    HAVING SUM(whole) * 1000000 + SUM(part) <> 0
) d
JOIN items_item i ON i.id = d.item_id
ORDER BY i.code;

-- broken_running_balances --
-- Return the movements after which another balance is recorded than the one before them and their quantity give.
-- By hand: it compares each movement with the one before it on the same balance, by a window.
-- Example:
SELECT c.id, i.code, l.path, c.before, c.change, c.after
FROM (
    SELECT id, item_id, location_id, change, after,
           COALESCE(
               LAG(after) OVER (PARTITION BY site_id, item_id, location_id, bin, batch, serial ORDER BY id), 0
           ) AS before
    FROM (
        SELECT id, site_id, item_id, target_id AS location_id, target_bin AS bin, batch, serial, quantity AS change,
               target_after AS after
        FROM ledger_movement
        WHERE quantity > 0
        UNION ALL
        SELECT id, site_id, item_id, source_id, source_bin, batch, serial, -quantity, source_after
        FROM ledger_movement
        WHERE quantity > 0
        UNION ALL
        SELECT last, site_id, item_id, location_id, bin, batch, serial, change, after
        FROM ledger_archivedstretch
        WHERE after IS NOT NULL
    ) u
) c
JOIN items_item i ON i.id = c.item_id
JOIN stockmap_location l ON l.id = c.location_id
WHERE (l.has_balance AND (c.after IS NULL OR c.after <> c.before + c.change))
   OR (NOT l.has_balance AND c.after IS NOT NULL)
ORDER BY c.id;

-- unsettled_movements --
-- Return the movements that were due and whose status doesn't agree with their settlements.
-- By hand: the ORM would need two filtered counts over two joins, which multiply each other.
-- Example:
SELECT m.id, i.code, m.status
FROM ledger_movement m
JOIN items_item i ON i.id = m.item_id
LEFT JOIN unresolved_settlement s ON s.movement_id = m.id AND s.undone_by_id IS NULL
LEFT JOIN unresolved_settlement k ON k.kept_id = m.id AND k.undone_by_id IS NOT NULL
WHERE m.due IS NOT NULL
GROUP BY m.id, i.code, m.status
HAVING NOT (
    (m.status = 'unresolved' AND COUNT(s.id) = 0)
    OR (m.status = 'resolved' AND COUNT(s.id) = 1 AND MIN(s.outcome) = 'resolved')
    OR (m.status = 'cancelled' AND COUNT(s.id) = 1 AND MIN(s.outcome) = 'cancelled' AND MIN(s.remarks) <> '')
    OR (m.status = 'withdrawn' AND COUNT(s.id) = 0 AND COUNT(k.id) = 1)
)
ORDER BY m.id;

-- settlements_against_movements --
-- Return the settlements whose quantities don't add up to what was due, or that moved another quantity.
-- By hand: it compares each settlement with a sum over the movements of its posting.
-- Example:
SELECT s.id, i.code, m.id, m.due, s.moved, s.dropped, COALESCE(k.due, 0), COALESCE(r.moved, 0)
FROM unresolved_settlement s
JOIN ledger_movement m ON m.id = s.movement_id
JOIN items_item i ON i.id = m.item_id
LEFT JOIN ledger_movement k ON k.id = s.kept_id
LEFT JOIN (
    SELECT posting_id, resolves_id, SUM(quantity) AS moved
    FROM ledger_movement
    WHERE resolves_id IS NOT NULL
    GROUP BY posting_id, resolves_id
) r ON r.posting_id = s.posting_id AND r.resolves_id = s.movement_id
WHERE s.moved <> COALESCE(r.moved, 0)
   OR (s.outcome = 'resolved' AND m.due <> s.moved + s.dropped + COALESCE(k.due, 0))
   OR (s.outcome = 'cancelled' AND (s.moved <> 0 OR s.dropped <> 0 OR s.kept_id IS NOT NULL))
ORDER BY s.id;

-- unequal_reversals --
-- Return the movements that aren't the exact reverse of the movement that they reverse.
-- By hand: it stands beside the other checks, to be pasted like them.
-- Example:
SELECT b.id, i.code, a.id
FROM ledger_movement b
JOIN ledger_movement a ON a.id = b.reverses_id
JOIN items_item i ON i.id = b.item_id
WHERE a.item_id <> b.item_id OR a.quantity <> b.quantity OR a.cost_id <> b.cost_id OR a.charged <> -b.charged
   OR a.source_id <> b.target_id OR a.source_bin <> b.target_bin OR a.target_id <> b.source_id
   OR a.target_bin <> b.source_bin OR a.batch <> b.batch OR a.serial <> b.serial
   OR a.reverses_id IS NOT NULL OR COALESCE(a.job_id, 0) <> COALESCE(b.job_id, 0)
ORDER BY b.id;

-- movements_reversed_twice --
-- Return the movements that were reversed more than once, with the number of times.
-- By hand: it stands beside the other checks, to be pasted like them.
-- Example:
SELECT i.code, m.reverses_id, COUNT(*)
FROM ledger_movement m
JOIN items_item i ON i.id = m.item_id
WHERE m.reverses_id IS NOT NULL
GROUP BY i.code, m.reverses_id
HAVING COUNT(*) > 1
ORDER BY m.reverses_id;

-- movements_left_by_reversals --
-- Return the movements of reversed postings, and what settled them, that weren't reversed or are still unresolved.
-- By hand: the ORM can't join a movement with the one that reverses it, where there is none.
-- Example:
SELECT m.id, i.code, m.status, p.id
FROM ledger_posting p
JOIN ledger_movement m ON m.posting_id = p.id
JOIN items_item i ON i.id = m.item_id
LEFT JOIN ledger_movement b ON b.reverses_id = m.id
WHERE EXISTS (SELECT 1 FROM ledger_posting r WHERE r.reverses_id = p.id)
  AND (
      (m.status = 'ok' AND b.id IS NULL)
      OR (m.status = 'unresolved' AND m.resolves_id IS NULL AND p.process <> 'resolution')
  )
UNION ALL
SELECT m.id, i.code, m.status, o.posting_id
FROM ledger_movement m
JOIN ledger_movement o ON o.id = m.origin_id
JOIN items_item i ON i.id = m.item_id
LEFT JOIN ledger_movement b ON b.reverses_id = m.id
WHERE EXISTS (SELECT 1 FROM ledger_posting r WHERE r.reverses_id = o.posting_id)
  AND m.reverses_id IS NULL
  AND ((m.status = 'ok' AND b.id IS NULL) OR m.status = 'unresolved');

-- cost_objects_against_bookings --
-- Return the cost objects whose quantities aren't the sums of their bookings.
-- By hand: the bookings are summed first. Joined one by one, SQLite without statistics reads all bookings that weren't
-- reversed for each order, which took over seven minutes for 72,591 of them.
-- Example:
SELECT j.number, j.good, j.scrap, j.produced, COALESCE(b.good, 0), COALESCE(b.scrap, 0), COALESCE(b.produced, 0)
FROM ledger_job j
LEFT JOIN (
    SELECT site_id, job_id, SUM(good) AS good, SUM(scrap) AS scrap,
           SUM(CASE WHEN assumed THEN quantity ELSE 0 END) AS produced
    FROM backflushing_booking
    WHERE reversed_by_id IS NULL AND job_id IS NOT NULL
    GROUP BY site_id, job_id
) b ON b.job_id = j.id AND b.site_id = j.site_id
WHERE j.good <> COALESCE(b.good, 0) OR j.scrap <> COALESCE(b.scrap, 0) OR j.produced <> COALESCE(b.produced, 0)
ORDER BY j.number;

-- postings_without_booking --
-- Return the postings of bookings that haven't exactly one booking, and other postings that have one.
-- By hand: it stands beside the other checks, to be pasted like them.
-- Example:
SELECT p.id, p.process, COUNT(b.id)
FROM ledger_posting p
LEFT JOIN backflushing_booking b ON b.posting_id = p.id
GROUP BY p.id, p.process
HAVING COUNT(b.id) <> CASE WHEN p.process IN ('works order', 'goods received', 'production') THEN 1 ELSE 0 END
ORDER BY p.id;

-- keys_without_posting --
-- Return the idempotency keys that have no posting, neither here nor in an archive.
-- By hand: it stands beside the other checks, to be pasted like them.
-- Example:
SELECT k.key, k.operation
FROM ledger_key k
LEFT JOIN ledger_posting p ON p.key_id = k.id
LEFT JOIN ledger_archivedkey a ON a.key_id = k.id AND a.site_id = k.site_id
WHERE p.id IS NULL AND a.id IS NULL
ORDER BY k.id;

-- bookings_without_their_reversal --
-- Return the postings of bookings that don't name the posting that reverses them.
-- By hand: it stands beside the other checks, to be pasted like them.
-- Example:
SELECT b.posting_id
FROM backflushing_booking b
LEFT JOIN ledger_posting r ON r.reverses_id = b.posting_id
WHERE COALESCE(b.reversed_by_id, 0) <> COALESCE(r.id, 0)
ORDER BY b.posting_id;

-- period_balances_against_movements --
-- Return the balances of closed periods that aren't those of the period before plus the movements in between.
-- By hand: each movement is read once for all closings. SQLite keeps the order of a cross join: closing by closing
-- along the index of time. Balances before the last archive can't be computed without its file, so the comparison
-- begins with the first closing after it.
-- Example:
WITH a AS (SELECT site_id, MAX(until) AS until FROM ledger_archive WHERE brought_back_at IS NULL GROUP BY site_id),
c AS (
    SELECT p.id, p.site_id, p.through, p.until, LAG(p.id) OVER w AS earlier,
           COALESCE(LAG(p.until) OVER w, '0001-01-01 00:00:00+00') AS since
    FROM ledger_periodclosing p
    LEFT JOIN a ON a.site_id = p.site_id
    WHERE p.reopened_at IS NULL AND p.counted_at IS NOT NULL AND (a.until IS NULL OR p.until >= a.until)
    WINDOW w AS (PARTITION BY p.site_id ORDER BY p.until)
)
SELECT i.code, l.path, d.bin, d.batch, d.serial, c.through, d.whole, d.part
FROM (
    SELECT closing, site_id, item_id, location_id, bin, batch, serial, SUM(whole) AS whole, SUM(part) AS part
    FROM (
        SELECT c.id AS closing, m.site_id, m.item_id, m.target_id AS location_id, m.target_bin AS bin, m.batch,
               m.serial, m.quantity / 1000000 AS whole, m.quantity % 1000000 AS part
        FROM c
        CROSS JOIN ledger_movement m
        WHERE m.site_id = c.site_id AND m.at >= c.since AND m.at < c.until AND m.quantity > 0
        UNION ALL
        SELECT c.id, m.site_id, m.item_id, m.source_id, m.source_bin, m.batch, m.serial,
               -(m.quantity / 1000000), -(m.quantity % 1000000)
        FROM c
        CROSS JOIN ledger_movement m
        WHERE m.site_id = c.site_id AND m.at >= c.since AND m.at < c.until AND m.quantity > 0
        UNION ALL
        SELECT c.id, b.site_id, b.item_id, b.location_id, b.bin, b.batch, b.serial, b.quantity / 1000000,
               b.quantity % 1000000
        FROM c
        JOIN ledger_periodbalance b ON b.closing_id = c.earlier AND b.site_id = c.site_id
        UNION ALL
        SELECT c.id, b.site_id, b.item_id, b.location_id, b.bin, b.batch, b.serial, -(b.quantity / 1000000),
               -(b.quantity % 1000000)
        FROM c
        JOIN ledger_periodbalance b ON b.closing_id = c.id AND b.site_id = c.site_id
        UNION ALL
        SELECT c.id, s.site_id, s.item_id, s.location_id, s.bin, s.batch, s.serial, s.change / 1000000,
               s.change % 1000000
        FROM c
        JOIN ledger_archivedstretch s ON s.site_id = c.site_id AND c.earlier IS NULL AND s.after IS NOT NULL
    ) u
    GROUP BY closing, site_id, item_id, location_id, bin, batch, serial
    HAVING SUM(whole) * 1000000 + SUM(part) <> 0
) d
JOIN c ON c.id = d.closing
JOIN items_item i ON i.id = d.item_id
JOIN stockmap_location l ON l.id = d.location_id AND l.has_balance
ORDER BY c.until, i.code, l.path;

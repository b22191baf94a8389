-- counts_against_ledger --
-- Return the posted counts after which the ledger doesn't hold what was counted: the book quantity less what waited,
-- in whole units and millionths. A settlement counts for the time of its assumption, a reversal for that of its
-- original (H2). Counts of archived periods are left out, because their movements are in files.
-- By hand: one pass over the movements of all counted balances; the ORM would take a statement for each count.
-- Example:
SELECT c.id, i.code, l.path, c.quantity, s.whole, s.part
FROM (
    SELECT id, SUM(amount / 1000000) AS whole, SUM(amount % 1000000) AS part
    FROM (
        SELECT n.id, 0 AS amount
        FROM counts_stockcount n
        UNION ALL
        SELECT n.id,
               (m.quantity + COALESCE(m.due, 0))
               * CASE WHEN m.target_id = n.location_id AND m.target_bin = n.bin THEN 1 ELSE -1 END AS amount
        FROM counts_stockcount n
        JOIN ledger_movement m ON m.site_id = n.site_id AND m.item_id = n.item_id AND m.batch = n.batch
             AND m.serial = n.serial AND m.status IN ('ok', 'unresolved')
             AND ((m.source_id = n.location_id AND m.source_bin = n.bin)
                  OR (m.target_id = n.location_id AND m.target_bin = n.bin))
        LEFT JOIN ledger_movement o ON o.id = m.origin_id AND o.site_id = m.site_id
        LEFT JOIN ledger_movement r ON r.id = m.reverses_id AND r.site_id = m.site_id
        WHERE (COALESCE(o.at, r.at, m.at), COALESCE(o.posting_id, r.posting_id, m.posting_id)) < (n.at, n.posting_id)
          AND NOT EXISTS (
              SELECT 1 FROM counts_countchange g WHERE g.site_id = m.site_id AND g.posting_id = m.posting_id
          )
        UNION ALL
        SELECT n.id, g.change AS amount
        FROM counts_stockcount n
        JOIN counts_stockcount b ON b.site_id = n.site_id AND b.item_id = n.item_id AND b.location_id = n.location_id
             AND b.bin = n.bin AND b.batch = n.batch AND b.serial = n.serial
             AND (b.at, b.posting_id) <= (n.at, n.posting_id)
        JOIN counts_countchange g ON g.site_id = b.site_id AND g.count_id = b.id
        UNION ALL
        SELECT n.id, a.change AS amount
        FROM counts_stockcount n
        JOIN ledger_archivedstretch a ON a.site_id = n.site_id AND a.item_id = n.item_id
             AND a.location_id = n.location_id AND a.bin = n.bin AND a.batch = n.batch AND a.serial = n.serial
             AND a.change IS NOT NULL
    ) e
    GROUP BY id
) s
JOIN counts_stockcount c ON c.id = s.id
JOIN items_item i ON i.id = c.item_id
JOIN stockmap_location l ON l.id = c.location_id
WHERE c.status = 'posted' AND c.reversed_by_id IS NULL AND s.whole * 1000000 + s.part <> c.quantity
  AND NOT EXISTS (SELECT 1 FROM ledger_archive v WHERE v.site_id = c.site_id AND v.until > c.at)
ORDER BY c.id;

-- counts_against_changes --
-- Return the counts whose difference isn't the sum of its changes, or, where it isn't posted or is reversed, that still
-- change stock.
-- By hand: compares each count with a sum over its changes, for all counts at once.
-- Example:
SELECT c.id, i.code, l.path, CASE WHEN c.status = 'posted' AND c.reversed_by_id IS NULL THEN c.difference ELSE 0 END,
       COALESCE(s.total, 0)
FROM counts_stockcount c
LEFT JOIN (
    SELECT site_id, count_id, SUM(change) AS total FROM counts_countchange GROUP BY site_id, count_id
) s ON s.count_id = c.id AND s.site_id = c.site_id
JOIN items_item i ON i.id = c.item_id
JOIN stockmap_location l ON l.id = c.location_id
WHERE COALESCE(s.total, 0)
      <> CASE WHEN c.status = 'posted' AND c.reversed_by_id IS NULL THEN c.difference ELSE 0 END
ORDER BY c.id;

-- changes_against_movements --
-- Return the changes of counts whose posting moves another quantity between the counted place and elsewhere.
-- By hand: compares each change with a sum over the movements of its posting, for all changes at once.
-- Example:
SELECT g.posting_id, i.code, g.change, COALESCE(s.total, 0)
FROM counts_countchange g
JOIN counts_stockcount c ON c.id = g.count_id AND c.site_id = g.site_id
JOIN items_item i ON i.id = c.item_id
LEFT JOIN (
    SELECT g.id,
           SUM(m.quantity * CASE WHEN m.target_id = c.location_id AND m.target_bin = c.bin THEN 1 ELSE -1 END) AS total
    FROM counts_countchange g
    JOIN counts_stockcount c ON c.id = g.count_id AND c.site_id = g.site_id
    JOIN ledger_movement m ON m.posting_id = g.posting_id AND m.site_id = g.site_id AND m.item_id = c.item_id
         AND m.batch = c.batch AND m.serial = c.serial
         AND ((m.source_id = c.location_id AND m.source_bin = c.bin)
              OR (m.target_id = c.location_id AND m.target_bin = c.bin))
    GROUP BY g.id
) s ON s.id = g.id
WHERE COALESCE(s.total, 0) <> g.change
ORDER BY g.posting_id;

-- What stays of archived rows, computed from the selected ones (`archive_goes`; see temporary_tables.*.sql).

-- first_and_last_movement --
-- Return the lowest and the highest number of the selected movements. Numbers outside can't lie between archived ones.
-- By hand: the selection is in a temporary table.
-- Example: site_id = 1
SELECT MIN(id), MAX(id)
FROM ledger_movement
WHERE site_id = :site_id AND posting_id IN (SELECT id FROM archive_goes WHERE id > 0);

-- add_stretches --
-- Store the net change of each run of archived movements of a balance. Stretches of earlier archives interrupt a run
-- like movements that stay, so no stretch extends across another.
-- By hand: runs are found by windows. The net change of a run is the balance after its last movement less that before
-- its first, so no sum can exceed 64 bits.
-- Example: site_id = 1, archive_id = 1, first = 1, last = 500
INSERT INTO ledger_archivedstretch (
    site_id, archive_id, item_id, location_id, bin, batch, serial, first, last, count, change, after
)
SELECT l.site_id, a.id, t.item_id, t.location_id, t.bin, t.batch, t.serial, t.first, t.last, t.count,
       t.after - t.before, t.after
FROM (
    SELECT item_id, location_id, bin, batch, serial, MIN(id) AS first, MAX(id) AS last, COUNT(*) AS count,
           MAX(CASE WHEN COALESCE(following, 0) = 0 THEN after END) AS after,
           MAX(CASE WHEN COALESCE(previous, 0) = 0 THEN after - change END) AS before
    FROM (
        SELECT c.*, LAG(goes) OVER by_balance AS previous, LEAD(goes) OVER by_balance AS following,
               ROW_NUMBER() OVER by_balance - ROW_NUMBER() OVER (
                   PARTITION BY item_id, location_id, bin, batch, serial, goes ORDER BY id
               ) AS island
        FROM (
            SELECT e.id, e.item_id, e.location_id, e.bin, e.batch, e.serial, e.change, e.after,
                   CASE WHEN g.id IS NULL THEN 0 ELSE 1 END AS goes
            FROM (
                SELECT m.id, m.posting_id, m.item_id, m.target_id AS location_id, m.target_bin AS bin, m.batch,
                       m.serial, m.quantity AS change, m.target_after AS after
                FROM ledger_movement m
                WHERE m.site_id = :site_id AND m.id BETWEEN :first AND :last
                UNION ALL
                SELECT m.id, m.posting_id, m.item_id, m.source_id, m.source_bin, m.batch, m.serial, -m.quantity,
                       m.source_after
                FROM ledger_movement m
                WHERE m.site_id = :site_id AND m.id BETWEEN :first AND :last
            ) e
            LEFT JOIN archive_goes g ON g.id = e.posting_id
            WHERE e.change <> 0 AND e.after IS NOT NULL
            UNION ALL
            SELECT last, item_id, location_id, bin, batch, serial, change, after, 0
            FROM ledger_archivedstretch
            WHERE site_id = :site_id AND after IS NOT NULL AND last BETWEEN :first AND :last
        ) c
        WINDOW by_balance AS (PARTITION BY item_id, location_id, bin, batch, serial ORDER BY id)
    ) r
    WHERE goes = 1
    GROUP BY item_id, location_id, bin, batch, serial, island
) t
JOIN stockmap_location l ON l.id = t.location_id
JOIN ledger_archive a ON a.id = :archive_id;

-- add_stretches_without_balance --
-- For locations without balances, and for unresolved movements that never moved, store only that they were used.
-- By hand: as add_stretches.
-- Left to the database: change, after
-- Example: site_id = 1, archive_id = 1, first = 1, last = 500
INSERT INTO ledger_archivedstretch (site_id, archive_id, item_id, location_id, bin, batch, serial, first, last, count)
SELECT l.site_id, a.id, e.item_id, e.location_id, '', '', '', MIN(e.id), MAX(e.id), COUNT(*)
FROM (
    SELECT m.id, m.posting_id, m.item_id, m.target_id AS location_id, m.target_bin AS bin, m.batch, m.serial,
           m.quantity AS change, m.target_after AS after
    FROM ledger_movement m
    WHERE m.site_id = :site_id AND m.id BETWEEN :first AND :last
    UNION ALL
    SELECT m.id, m.posting_id, m.item_id, m.source_id, m.source_bin, m.batch, m.serial, -m.quantity, m.source_after
    FROM ledger_movement m
    WHERE m.site_id = :site_id AND m.id BETWEEN :first AND :last
) e
JOIN archive_goes g ON g.id = e.posting_id
JOIN stockmap_location l ON l.id = e.location_id
JOIN ledger_archive a ON a.id = :archive_id
WHERE e.after IS NULL
GROUP BY l.site_id, a.id, e.item_id, e.location_id;

-- add_movement_ranges --
-- Store the archived movements as ranges of consecutive numbers.
-- By hand: ranges are found by a window.
-- Example: site_id = 1, archive_id = 1, kind = 'movement'
INSERT INTO ledger_archivedrange (site_id, archive_id, kind, first, last)
SELECT :site_id, :archive_id, :kind, MIN(id), MAX(id)
FROM (
    SELECT id, id - ROW_NUMBER() OVER (ORDER BY id) AS island
    FROM ledger_movement
    WHERE site_id = :site_id AND posting_id IN (SELECT id FROM archive_goes WHERE id > 0)
) n
GROUP BY island;

-- add_posting_ranges --
-- Store the archived postings as ranges of consecutive numbers.
-- By hand: as add_movement_ranges.
-- Example: site_id = 1, archive_id = 1, kind = 'posting'
INSERT INTO ledger_archivedrange (site_id, archive_id, kind, first, last)
SELECT :site_id, :archive_id, :kind, MIN(id), MAX(id)
FROM (
    SELECT id, id - ROW_NUMBER() OVER (ORDER BY id) AS island
    FROM ledger_posting
    WHERE site_id = :site_id AND id IN (SELECT id FROM archive_goes WHERE id > 0)
) n
GROUP BY island;

-- add_works_orders --
-- Store the numbers of the archived works orders.
-- By hand: the selection is in a temporary table.
-- Example: site_id = 1, archive_id = 1, kind = 'works order'
INSERT INTO ledger_archivedorder (site_id, archive_id, kind, number)
SELECT :site_id, :archive_id, :kind, number
FROM works_worksorder
WHERE site_id = :site_id AND job_id IN (SELECT -id FROM archive_goes WHERE id < 0);

-- add_purchase_orders --
-- Store the numbers of the archived purchase orders.
-- By hand: the selection is in a temporary table.
-- Example: site_id = 1, archive_id = 1, kind = 'purchase order'
INSERT INTO ledger_archivedorder (site_id, archive_id, kind, number)
SELECT :site_id, :archive_id, :kind, number
FROM subcontract_purchaseorder
WHERE site_id = :site_id AND id IN (
    SELECT order_id
    FROM subcontract_purchaseorderline
    WHERE job_id IN (SELECT -id FROM archive_goes WHERE id < 0)
);

-- add_keys --
-- Store the idempotency keys of the archived postings, so that they still can't be used again.
-- By hand: the selection is in a temporary table.
-- Example: site_id = 1, archive_id = 1
INSERT INTO ledger_archivedkey (site_id, archive_id, key_id, posting)
SELECT site_id, :archive_id, key_id, id
FROM ledger_posting
WHERE site_id = :site_id AND key_id IS NOT NULL AND id IN (SELECT id FROM archive_goes WHERE id > 0);

-- selected_quantities --
-- Return the quantities into and out of each balance by the selected movements, in whole units and millionths.
-- By hand: the selection is in a temporary table, and the ORM can't sum over a UNION.
-- Example: site_id = 1
SELECT item_id, location_id, bin, batch, serial, COUNT(*), SUM(came / 1000000), SUM(came % 1000000),
       SUM(went / 1000000), SUM(went % 1000000)
FROM (
    SELECT item_id, target_id AS location_id, target_bin AS bin, batch, serial, quantity AS came, 0 AS went
    FROM ledger_movement
    WHERE site_id = :site_id AND quantity > 0 AND posting_id IN (SELECT id FROM archive_goes WHERE id > 0)
    UNION ALL
    SELECT item_id, source_id, source_bin, batch, serial, 0, quantity
    FROM ledger_movement
    WHERE site_id = :site_id AND quantity > 0 AND posting_id IN (SELECT id FROM archive_goes WHERE id > 0)
) e
GROUP BY item_id, location_id, bin, batch, serial
ORDER BY item_id, location_id, bin, batch, serial;

-- Run on an archive file that is open as a database (`archives/read_back.py`). Movements that aren't in the file are
-- represented by their totals, so that the running balances are complete.

-- add_totals_between --
-- Add the total of what happened to a balance between two movements of the file. Nothing can have happened between two
-- movements with consecutive numbers, so their balances must match.
-- By hand: it compares each movement with the one before it on the same balance, by a window.
-- Example:
INSERT INTO ledger_archivedstretch (
    site_id, item_id, location_id, bin, batch, serial, archive_id, first, last, count, change, after
)
SELECT site_id, item_id, location_id, bin, batch, serial, 0, at, at, 0, change, after
FROM (
    SELECT site_id, item_id, location_id, bin, batch, serial, id - 1 AS at,
           after - change - COALESCE(behind, 0) AS change, after - change AS after
    FROM (
        SELECT e.*, LAG(after) OVER by_balance AS behind, LAG(id) OVER by_balance AS previous
        FROM (
            SELECT m.id, m.site_id, m.item_id, m.target_id AS location_id, m.target_bin AS bin, m.batch, m.serial,
                   m.quantity AS change, m.target_after AS after
            FROM ledger_movement m
            JOIN stockmap_location l ON l.id = m.target_id AND l.has_balance
            WHERE m.quantity > 0
            UNION ALL
            SELECT m.id, m.site_id, m.item_id, m.source_id, m.source_bin, m.batch, m.serial, -m.quantity, m.source_after
            FROM ledger_movement m
            JOIN stockmap_location l ON l.id = m.source_id AND l.has_balance
            WHERE m.quantity > 0
        ) e
        WINDOW by_balance AS (PARTITION BY site_id, item_id, location_id, bin, batch, serial ORDER BY id)
    ) b
    WHERE after - change <> COALESCE(behind, 0) AND id - COALESCE(previous, 0) > 1
) t;

-- add_totals_at_the_end --
-- Add the total of what happened to a balance after its last movement in the file.
-- By hand: as add_totals_between.
-- Example:
INSERT INTO ledger_archivedstretch (
    site_id, item_id, location_id, bin, batch, serial, archive_id, first, last, count, change, after
)
SELECT site_id, item_id, location_id, bin, batch, serial, 0, id + 1, id + 1, 0, -after, 0
FROM (
    SELECT e.*,
           ROW_NUMBER() OVER (
               PARTITION BY site_id, item_id, location_id, bin, batch, serial ORDER BY id DESC
           ) AS place
    FROM (
        SELECT m.id, m.site_id, m.item_id, m.target_id AS location_id, m.target_bin AS bin, m.batch, m.serial,
               m.quantity AS change, m.target_after AS after
        FROM ledger_movement m
        JOIN stockmap_location l ON l.id = m.target_id AND l.has_balance
        WHERE m.quantity > 0
        UNION ALL
        SELECT m.id, m.site_id, m.item_id, m.source_id, m.source_bin, m.batch, m.serial, -m.quantity, m.source_after
        FROM ledger_movement m
        JOIN stockmap_location l ON l.id = m.source_id AND l.has_balance
        WHERE m.quantity > 0
    ) e
) b
WHERE place = 1 AND after <> 0;

-- movements_by_balance --
-- Return each movement of the file at both of its ends: balance, number, change and the balance after it, in order.
-- By hand: a UNION that is read row by row.
-- Example:
SELECT item_id, target_id, target_bin, batch, serial, id, quantity, target_after
FROM ledger_movement
WHERE quantity > 0 AND target_after IS NOT NULL
UNION ALL
SELECT item_id, source_id, source_bin, batch, serial, id, -quantity, source_after
FROM ledger_movement
WHERE quantity > 0 AND source_after IS NOT NULL
ORDER BY 1, 2, 3, 4, 5, 6;

-- ledger_at_counts --
-- Read what the ledger says about some counts besides the present balance.
-- By hand: as on PostgreSQL. The cross joins make SQLite look up each key, whatever its statistics say.
-- Example: site_id = 1, rows = '[[0, 7, 3, "", "", "", "2026-11-02 08:00:00", 9223372036854775807]]'
WITH k AS MATERIALIZED (
    SELECT value ->> 0 AS ord, value ->> 1 AS item_id, value ->> 2 AS location_id, value ->> 3 AS bin,
           value ->> 4 AS batch, value ->> 5 AS serial, value ->> 6 AS at, value ->> 7 AS recorded
    FROM json_each(:rows)
),
e AS (
    SELECT k.ord AS ord, 'waiting' AS what,
           CASE WHEN m.source_id = k.location_id AND m.source_bin = k.bin THEN m.due ELSE -m.due END AS amount
    FROM k
    CROSS JOIN ledger_movement m
    LEFT JOIN ledger_movement o ON o.id = m.origin_id AND o.site_id = m.site_id
    WHERE m.site_id = :site_id AND m.item_id = k.item_id AND m.status = 'unresolved' AND m.status <> 'ok'
      AND m.at <= k.at AND (m.at, COALESCE(o.posting_id, m.posting_id)) < (k.at, k.recorded)
      AND m.batch = k.batch AND m.serial = k.serial
      AND ((m.source_id = k.location_id AND m.source_bin = k.bin)
           OR (m.target_id = k.location_id AND m.target_bin = k.bin))
    UNION ALL
    SELECT k.ord AS ord, 'moved' AS what,
           CASE WHEN m.target_id = k.location_id AND m.target_bin = k.bin THEN m.quantity ELSE -m.quantity END AS amount
    FROM k
    CROSS JOIN ledger_movement m
    LEFT JOIN ledger_movement o ON o.id = m.origin_id AND o.site_id = m.site_id
    LEFT JOIN ledger_movement r ON r.id = m.reverses_id AND r.site_id = m.site_id
    WHERE m.site_id = :site_id AND m.item_id = k.item_id AND m.at >= k.at AND m.status = 'ok'
      AND m.batch = k.batch AND m.serial = k.serial
      AND ((m.source_id = k.location_id AND m.source_bin = k.bin)
           OR (m.target_id = k.location_id AND m.target_bin = k.bin))
      AND (COALESCE(o.at, r.at, m.at), COALESCE(o.posting_id, r.posting_id, m.posting_id)) > (k.at, k.recorded)
      AND NOT EXISTS (SELECT 1 FROM counts_countchange c WHERE c.site_id = m.site_id AND c.posting_id = m.posting_id)
    UNION ALL
    SELECT k.ord AS ord, 'later' AS what, c.change AS amount
    FROM k
    CROSS JOIN counts_stockcount n
    CROSS JOIN counts_countchange c
    WHERE n.site_id = :site_id AND n.item_id = k.item_id AND n.location_id = k.location_id
      AND n.bin = k.bin AND n.batch = k.batch AND n.serial = k.serial
      AND (n.at, n.posting_id) > (k.at, k.recorded)
      AND c.site_id = n.site_id AND c.count_id = n.id
)
SELECT ord, what, SUM(amount / 1000000) AS whole, SUM(amount % 1000000) AS part
FROM e
GROUP BY ord, what;

-- mark_counted --
-- Note on a balance the time of its latest posted count.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, item_id = 7, location_id = 3, bin = '', batch = '', serial = '', at = '2026-11-02 08:00:00'
UPDATE ledger_balance
SET counted_at = MAX(COALESCE(counted_at, :at), :at)
WHERE site_id = :site_id AND item_id = :item_id AND location_id = :location_id
  AND bin = :bin AND batch = :batch AND serial = :serial;

-- fill_lines --
-- Note on a line of a count sheet which count is its latest.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, line_id = 1, count_id = 1
UPDATE counts_sheetline SET count_id = :count_id WHERE site_id = :site_id AND id = :line_id;

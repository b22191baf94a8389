-- ledger_at_counts --
-- Read what the ledger says about some counts besides the present balance: for each `ord`, in millionths, whole units
-- and millionths apart, what waits there since the count or before (`waiting`), what moved for a time after it
-- (`moved`), and what later counts changed (`later`). Settlements and reversals count for the time they go back to.
-- By hand: three sums over different sets of rows for each of many keys; the ORM would take three statements a key.
-- Example: site_id = 1, ord = '{0}', item_id = '{7}', location_id = '{3}', bin = '{""}', batch = '{""}',
-- serial = '{""}', at = '{2026-11-02 08:00+00}', recorded = '{9223372036854775807}'
WITH k AS MATERIALIZED (
    SELECT *
    FROM unnest(
        :ord::bigint[], :item_id::bigint[], :location_id::bigint[], :bin::text[], :batch::text[], :serial::text[],
        :at::timestamptz[], :recorded::bigint[]
    ) AS k (ord, item_id, location_id, bin, batch, serial, at, recorded)
),
e AS (
    SELECT k.ord, 'waiting' AS what,
           CASE WHEN m.source_id = k.location_id AND m.source_bin = k.bin THEN m.due ELSE -m.due END AS amount
    FROM k
    JOIN ledger_movement m ON m.site_id = :site_id AND m.item_id = k.item_id AND m.status = 'unresolved'
         AND m.status <> 'ok' AND m.at <= k.at AND m.batch = k.batch AND m.serial = k.serial
         AND ((m.source_id = k.location_id AND m.source_bin = k.bin)
              OR (m.target_id = k.location_id AND m.target_bin = k.bin))
    LEFT JOIN ledger_movement o ON o.id = m.origin_id AND o.site_id = m.site_id
    WHERE (m.at, COALESCE(o.posting_id, m.posting_id)) < (k.at, k.recorded)
    UNION ALL
    SELECT k.ord, 'moved' AS what,
           CASE WHEN m.target_id = k.location_id AND m.target_bin = k.bin THEN m.quantity ELSE -m.quantity END AS amount
    FROM k
    JOIN ledger_movement m ON m.site_id = :site_id AND m.item_id = k.item_id AND m.at >= k.at AND m.status = 'ok'
         AND m.batch = k.batch AND m.serial = k.serial
         AND ((m.source_id = k.location_id AND m.source_bin = k.bin)
              OR (m.target_id = k.location_id AND m.target_bin = k.bin))
    LEFT JOIN ledger_movement o ON o.id = m.origin_id AND o.site_id = m.site_id
    LEFT JOIN ledger_movement r ON r.id = m.reverses_id AND r.site_id = m.site_id
    WHERE (COALESCE(o.at, r.at, m.at), COALESCE(o.posting_id, r.posting_id, m.posting_id)) > (k.at, k.recorded)
      AND NOT EXISTS (SELECT FROM counts_countchange c WHERE c.site_id = m.site_id AND c.posting_id = m.posting_id)
    UNION ALL
    SELECT k.ord, 'later' AS what, c.change AS amount
    FROM k
    JOIN counts_stockcount n ON n.site_id = :site_id AND n.item_id = k.item_id AND n.location_id = k.location_id
         AND n.bin = k.bin AND n.batch = k.batch AND n.serial = k.serial
         AND (n.at, n.posting_id) > (k.at, k.recorded)
    JOIN counts_countchange c ON c.site_id = n.site_id AND c.count_id = n.id
)
SELECT ord, what, SUM(amount / 1000000) AS whole, SUM(amount % 1000000) AS part
FROM e
GROUP BY ord, what;

-- mark_counted --
-- Note on some locked balances the time of their latest posted count.
-- By hand: one statement for all balances, where the ORM would take one for each.
-- Example: site_id = 1, item_id = '{7}', location_id = '{3}', bin = '{""}', batch = '{""}', serial = '{""}',
-- at = '{2026-11-02 08:00+00}'
UPDATE ledger_balance b
SET counted_at = GREATEST(b.counted_at, k.at)
FROM unnest(
    :item_id::bigint[], :location_id::bigint[], :bin::text[], :batch::text[], :serial::text[], :at::timestamptz[]
) AS k (item_id, location_id, bin, batch, serial, at)
WHERE b.site_id = :site_id AND b.item_id = k.item_id AND b.location_id = k.location_id
  AND b.bin = k.bin AND b.batch = k.batch AND b.serial = k.serial;

-- fill_lines --
-- Note on some lines of count sheets which count is their latest.
-- By hand: one statement for all lines; the ORM would write a CASE with a branch for each.
-- Example: site_id = 1, line_id = '{1}', count_id = '{1}'
UPDATE counts_sheetline l
SET count_id = k.count_id
FROM unnest(:line_id::bigint[], :count_id::bigint[]) AS k (line_id, count_id)
WHERE l.site_id = :site_id AND l.id = k.line_id;

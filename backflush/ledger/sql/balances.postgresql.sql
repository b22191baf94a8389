-- open_balances --
-- Open the balances that don't exist yet, at zero, in the order of their keys. Call it before any balance is locked.
-- By hand: one round trip for all keys, in an order that two bookings share (docs/decisions/0003).
-- Left to the database: counted_at
-- Example: site_id = 1, item_id = '{7, 8}', location_id = '{3, 3}', bin = '{"", ""}', batch = '{"", ""}',
-- serial = '{"", ""}'
INSERT INTO ledger_balance (site_id, item_id, location_id, bin, batch, serial, quantity)
SELECT :site_id::bigint, k.item_id, k.location_id, k.bin, k.batch, k.serial, 0
FROM unnest(:item_id::bigint[], :location_id::bigint[], :bin::text[], :batch::text[], :serial::text[])
     WITH ORDINALITY AS k (item_id, location_id, bin, batch, serial, ord)
WHERE NOT EXISTS (
    SELECT FROM ledger_balance b
    WHERE b.site_id = :site_id AND b.item_id = k.item_id AND b.location_id = k.location_id
      AND b.bin = k.bin AND b.batch = k.batch AND b.serial = k.serial
)
ORDER BY k.ord
ON CONFLICT DO NOTHING;

-- lock_balances --
-- Lock some balances in the order of their keys and read them; lock none where one doesn't exist.
-- By hand: the ORM locks in the order of a column, not of a list, and can't say "all or none" (docs/decisions/0003).
-- Example: site_id = 1, item_id = '{7, 8}', location_id = '{3, 3}', bin = '{"", ""}', batch = '{"", ""}',
-- serial = '{"", ""}'
WITH k AS MATERIALIZED (
    SELECT *
    FROM unnest(:item_id::bigint[], :location_id::bigint[], :bin::text[], :batch::text[], :serial::text[])
         WITH ORDINALITY AS k (item_id, location_id, bin, batch, serial, ord)
)
SELECT b.item_id, b.location_id, b.bin, b.batch, b.serial, b.quantity, b.counted_at
FROM ledger_balance b
JOIN k ON b.site_id = :site_id AND b.item_id = k.item_id AND b.location_id = k.location_id
      AND b.bin = k.bin AND b.batch = k.batch AND b.serial = k.serial
WHERE NOT EXISTS (
    SELECT FROM k
    WHERE NOT EXISTS (
        SELECT FROM ledger_balance b
        WHERE b.site_id = :site_id AND b.item_id = k.item_id AND b.location_id = k.location_id
          AND b.bin = k.bin AND b.batch = k.batch AND b.serial = k.serial
    )
)
ORDER BY k.ord
FOR UPDATE OF b;

-- read_balances --
-- Read some balances without locking them.
-- By hand: the ORM has no filter for a list of keys of five columns each.
-- Example: site_id = 1, item_id = '{7, 8}', location_id = '{3, 3}', bin = '{"", ""}', batch = '{"", ""}',
-- serial = '{"", ""}'
SELECT b.item_id, b.location_id, b.bin, b.batch, b.serial, b.quantity, b.counted_at
FROM ledger_balance b
JOIN unnest(:item_id::bigint[], :location_id::bigint[], :bin::text[], :batch::text[], :serial::text[])
     AS k (item_id, location_id, bin, batch, serial)
  ON b.site_id = :site_id AND b.item_id = k.item_id AND b.location_id = k.location_id
     AND b.bin = k.bin AND b.batch = k.batch AND b.serial = k.serial;

-- change_balances --
-- Add to some locked balances, each its own amount in millionths, which may be below zero.
-- By hand: one statement for all balances, where the ORM would take one for each.
-- Example: site_id = 1, item_id = '{7, 8}', location_id = '{3, 3}', bin = '{"", ""}', batch = '{"", ""}',
-- serial = '{"", ""}', change = '{-2000000, 500000}'
UPDATE ledger_balance b
SET quantity = b.quantity + k.change
FROM unnest(
    :item_id::bigint[], :location_id::bigint[], :bin::text[], :batch::text[], :serial::text[], :change::bigint[]
) AS k (item_id, location_id, bin, batch, serial, change)
WHERE b.site_id = :site_id AND b.item_id = k.item_id AND b.location_id = k.location_id
  AND b.bin = k.bin AND b.batch = k.batch AND b.serial = k.serial;

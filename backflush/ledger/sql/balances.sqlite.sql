-- open_balances --
-- Open a balance that doesn't exist yet, at zero.
-- By hand: as on PostgreSQL.
-- Left to the database: counted_at
-- Example: site_id = 1, item_id = 7, location_id = 3, bin = '', batch = '', serial = ''
INSERT INTO ledger_balance (site_id, item_id, location_id, bin, batch, serial, quantity)
VALUES (:site_id, :item_id, :location_id, :bin, :batch, :serial, 0)
ON CONFLICT DO NOTHING;

-- lock_balances, read_balances --
-- Read some balances. There is one writer at a time, so nothing is locked.
-- By hand: as on PostgreSQL. The cross join makes SQLite look up each key, whatever its statistics say.
-- Example: site_id = 1, rows = '[[7, 3, "", "", ""], [8, 3, "", "", ""]]'
SELECT b.item_id, b.location_id, b.bin, b.batch, b.serial, b.quantity, b.counted_at
FROM (
    SELECT value ->> 0 AS item_id, value ->> 1 AS location_id, value ->> 2 AS bin, value ->> 3 AS batch,
           value ->> 4 AS serial
    FROM json_each(:rows)
) k
CROSS JOIN ledger_balance b
WHERE b.site_id = :site_id AND b.item_id = k.item_id AND b.location_id = k.location_id
  AND b.bin = k.bin AND b.batch = k.batch AND b.serial = k.serial;

-- change_balances --
-- Add to a balance, in millionths; the amount may be below zero.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, item_id = 7, location_id = 3, bin = '', batch = '', serial = '', change = -2000000
UPDATE ledger_balance
SET quantity = quantity + :change
WHERE site_id = :site_id AND item_id = :item_id AND location_id = :location_id
  AND bin = :bin AND batch = :batch AND serial = :serial;

-- open_cost_objects --
-- Insert a cost object; return its id.
-- By hand: as on PostgreSQL.
-- Left to the database: structure_id
-- Example: site_id = 1, kind = 'works order', number = 'W-1', item_id = 7, good = 2000000, scrap = 0, produced = 0,
-- uneven = FALSE
INSERT INTO ledger_job (site_id, kind, number, item_id, good, scrap, produced, uneven)
VALUES (:site_id, :kind, :number, :item_id, :good, :scrap, :produced, :uneven)
RETURNING id;

-- advance_cost_objects --
-- Update the quantities booked on a cost object.
-- By hand: as on PostgreSQL.
-- Example: id = 1, site_id = 1, good = 2000000, scrap = 0, produced = 2000000, structure_id = 5, uneven = FALSE
UPDATE ledger_job
SET good = :good, scrap = :scrap, produced = :produced, structure_id = :structure_id, uneven = :uneven
WHERE id = :id AND site_id = :site_id;

-- open_cost_objects --
-- Insert cost objects; return their ids, which rise in their order.
-- By hand: entering orders in bulk takes a fifth (SQLite) to a half (PostgreSQL) longer by bulk_create (docs/decisions/0008).
-- Left to the database: structure_id
-- Example: site_id = '{1}', kind = '{"works order"}', number = '{W-1}', item_id = '{7}', good = '{2000000}', scrap =
-- '{0}', produced = '{0}', uneven = '{f}'
INSERT INTO ledger_job (site_id, kind, number, item_id, good, scrap, produced, uneven)
SELECT k.site_id, k.kind, k.number, k.item_id, k.good, k.scrap, k.produced, k.uneven
FROM unnest(
    :site_id::bigint[], :kind::text[], :number::text[], :item_id::bigint[], :good::bigint[], :scrap::bigint[],
    :produced::bigint[], :uneven::boolean[]
) WITH ORDINALITY AS k (site_id, kind, number, item_id, good, scrap, produced, uneven, ord)
ORDER BY k.ord
RETURNING id;

-- advance_cost_objects --
-- Update the quantities booked on some locked cost objects.
-- By hand: one statement for all of them, each found by its primary key (+site_id as in set_status).
-- Example: id = '{1}', site_id = '{1}', good = '{2000000}', scrap = '{0}', produced = '{2000000}', structure_id = '{5}',
-- uneven = '{f}'
UPDATE ledger_job j
SET good = k.good, scrap = k.scrap, produced = k.produced, structure_id = k.structure_id, uneven = k.uneven
FROM unnest(
    :id::bigint[], :site_id::bigint[], :good::bigint[], :scrap::bigint[], :produced::bigint[], :structure_id::bigint[],
    :uneven::boolean[]
) AS k (id, site_id, good, scrap, produced, structure_id, uneven)
WHERE j.id = k.id AND +j.site_id = k.site_id;

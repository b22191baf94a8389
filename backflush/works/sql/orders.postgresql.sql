-- add_orders --
-- Insert works orders; return their ids, which rise in their order.
-- By hand: as ledger.open_cost_objects.
-- Example: site_id = '{1}', number = '{W-1}', job_id = '{1}', item_id = '{7}', quantity = '{2000000}', unit_id = '{1}',
-- factor = '{1/1}', status = '{new}', start_date = '{2026-11-02}', due_date = '{NULL}', structure_id = '{5}', remarks =
-- '{""}'
INSERT INTO works_worksorder (
    site_id, number, job_id, item_id, quantity, unit_id, factor, status, start_date, due_date, structure_id, remarks
)
SELECT
    k.site_id, k.number, k.job_id, k.item_id, k.quantity, k.unit_id, k.factor, k.status, k.start_date, k.due_date,
    k.structure_id, k.remarks
FROM unnest(
    :site_id::bigint[], :number::text[], :job_id::bigint[], :item_id::bigint[], :quantity::bigint[], :unit_id::bigint[],
    :factor::text[], :status::text[], :start_date::date[], :due_date::date[], :structure_id::bigint[], :remarks::text[]
) WITH ORDINALITY AS k (
    site_id, number, job_id, item_id, quantity, unit_id, factor, status, start_date, due_date, structure_id, remarks,
    ord
)
ORDER BY k.ord
RETURNING id;

-- add_order_changes --
-- Insert entries of the change log of works orders.
-- By hand: as ledger.open_cost_objects.
-- Example: site_id = '{1}', order_id = '{1}', what = '{status}', before = '{new}', after = '{released}', by_id = '{2}',
-- at = '{"2026-11-02 08:00"}', remarks = '{""}'
INSERT INTO works_orderchange (
    site_id, order_id, what, before, after, by_id, at, remarks
)
SELECT
    k.site_id, k.order_id, k.what, k.before, k.after, k.by_id, k.at, k.remarks
FROM unnest(
    :site_id::bigint[], :order_id::bigint[], :what::text[], :before::text[], :after::text[], :by_id::bigint[],
    :at::timestamptz[], :remarks::text[]
) WITH ORDINALITY AS k (
    site_id, order_id, what, before, after, by_id, at, remarks, ord
)
ORDER BY k.ord
RETURNING id;

-- orders --
-- Read some works orders with their cost objects.
-- By hand: Django writes a query anew each time it is run, which takes longer than the database (docs/decisions/0008).
-- Example: site_id = 1, numbers = '{W-1, W-2}'
SELECT
    o.id, o.site_id, o.number, o.job_id, o.item_id, o.quantity, o.unit_id, o.factor, o.status, o.start_date, o.due_date,
    o.structure_id, o.remarks,
    cost_object.id, cost_object.site_id, cost_object.kind, cost_object.number, cost_object.item_id, cost_object.good,
    cost_object.scrap, cost_object.produced, cost_object.structure_id, cost_object.uneven
FROM works_worksorder o
JOIN ledger_job cost_object ON cost_object.id = o.job_id AND cost_object.site_id = o.site_id
WHERE o.site_id = :site_id AND o.number = ANY(:numbers::text[])
ORDER BY o.job_id;

-- lock_orders --
-- Lock some works orders with their cost objects, in the order of the latter, and read them.
-- By hand: as `orders`. Those who lock cost objects alone take them in the same order.
-- Example: site_id = 1, numbers = '{W-1, W-2}'
SELECT
    o.id, o.site_id, o.number, o.job_id, o.item_id, o.quantity, o.unit_id, o.factor, o.status, o.start_date, o.due_date,
    o.structure_id, o.remarks,
    cost_object.id, cost_object.site_id, cost_object.kind, cost_object.number, cost_object.item_id, cost_object.good,
    cost_object.scrap, cost_object.produced, cost_object.structure_id, cost_object.uneven
FROM works_worksorder o
JOIN ledger_job cost_object ON cost_object.id = o.job_id AND cost_object.site_id = o.site_id
WHERE o.site_id = :site_id AND o.number = ANY(:numbers::text[])
ORDER BY o.job_id
FOR NO KEY UPDATE OF o, cost_object;

-- add_orders --
-- Insert a works order; return its id.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, number = 'W-1', job_id = 1, item_id = 7, quantity = 2000000, unit_id = 1, factor = '1/1',
-- status = 'new', start_date = '2026-11-02', due_date = NULL, structure_id = 5, remarks = ''
INSERT INTO works_worksorder (
    site_id, number, job_id, item_id, quantity, unit_id, factor, status, start_date, due_date, structure_id, remarks
)
VALUES (
    :site_id, :number, :job_id, :item_id, :quantity, :unit_id, :factor, :status, :start_date, :due_date, :structure_id,
    :remarks
)
RETURNING id;

-- add_order_changes --
-- Insert an entry of the change log of a works order.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, order_id = 1, what = 'status', before = 'new', after = 'released', by_id = 2, at = '2026-11-02
-- 08:00', remarks = ''
INSERT INTO works_orderchange (
    site_id, order_id, what, before, after, by_id, at, remarks
)
VALUES (
    :site_id, :order_id, :what, :before, :after, :by_id, :at, :remarks
)
RETURNING id;

-- orders, lock_orders --
-- Read some works orders with their cost objects. There is one writer at a time, so nothing is locked.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, numbers = '["W-1", "W-2"]'
SELECT
    o.id, o.site_id, o.number, o.job_id, o.item_id, o.quantity, o.unit_id, o.factor, o.status, o.start_date, o.due_date,
    o.structure_id, o.remarks,
    cost_object.id, cost_object.site_id, cost_object.kind, cost_object.number, cost_object.item_id, cost_object.good,
    cost_object.scrap, cost_object.produced, cost_object.structure_id, cost_object.uneven
FROM works_worksorder o
JOIN ledger_job cost_object ON cost_object.id = o.job_id AND cost_object.site_id = o.site_id
WHERE o.site_id = :site_id AND o.number IN (SELECT value FROM json_each(:numbers))
ORDER BY o.job_id;

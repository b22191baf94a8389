-- add_bookings --
-- Insert bookings; return their ids, which rise in their order.
-- By hand: bulk_create takes about twice as long, but for a single booking on PostgreSQL (docs/decisions/0008).
-- Left to the database: reversed_by_id
-- Example: site_id = '{1}', posting_id = '{1}', job_id = '{1}', item_id = '{7}', good = '{2000000}', scrap = '{0}',
-- quantity = '{2000000}', scrap_reason = '{""}', details = '{NULL}', structure_id = '{5}', assumed = '{t}',
-- type_code_id = '{1}', rule_id = '{5}'
INSERT INTO backflushing_booking (
    site_id, posting_id, job_id, item_id, good, scrap, quantity, scrap_reason, details, structure_id, assumed,
    type_code_id, rule_id
)
SELECT
    k.site_id, k.posting_id, k.job_id, k.item_id, k.good, k.scrap, k.quantity, k.scrap_reason, k.details,
    k.structure_id, k.assumed, k.type_code_id, k.rule_id
FROM unnest(
    :site_id::bigint[], :posting_id::bigint[], :job_id::bigint[], :item_id::bigint[], :good::bigint[], :scrap::bigint[],
    :quantity::bigint[], :scrap_reason::text[], :details::jsonb[], :structure_id::bigint[], :assumed::boolean[],
    :type_code_id::bigint[], :rule_id::bigint[]
) WITH ORDINALITY AS k (
    site_id, posting_id, job_id, item_id, good, scrap, quantity, scrap_reason, details, structure_id, assumed,
    type_code_id, rule_id, ord
)
ORDER BY k.ord
RETURNING id;

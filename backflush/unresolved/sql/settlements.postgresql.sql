-- add_settlements --
-- Insert the settlements of one posting; return their ids, which rise in their order.
-- By hand: bulk_create needs model instances, which take longer to make than to write (docs/decisions/0008).
-- Left to the database: undone_by_id
-- Example: site_id = 1, posting_id = 1, movement_id = '{11}', outcome = '{resolved}', moved = '{2000000}', dropped =
-- '{0}', kept_id = '{NULL}', remarks = '{""}'
INSERT INTO unresolved_settlement (
    site_id, movement_id, posting_id, outcome, moved, dropped, kept_id, remarks
)
SELECT
    :site_id::bigint, k.movement_id, :posting_id::bigint, k.outcome, k.moved, k.dropped, k.kept_id, k.remarks
FROM unnest(
    :movement_id::bigint[], :outcome::text[], :moved::bigint[],
    :dropped::bigint[], :kept_id::bigint[], :remarks::text[]
) WITH ORDINALITY AS k (
    movement_id, outcome, moved, dropped, kept_id, remarks, ord
)
ORDER BY k.ord
RETURNING id;

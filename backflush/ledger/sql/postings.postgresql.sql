-- claim_keys --
-- Insert the idempotency keys that are new; return those with their ids.
-- By hand: the ORM's bulk_create(ignore_conflicts=True) doesn't say which rows it wrote.
-- Example: site_id = 1, key = '{"scan 1"}', operation = '{book}', digest = '{0f}'
INSERT INTO ledger_key (site_id, key, operation, digest)
SELECT :site_id::bigint, k.key, k.operation, k.digest
FROM unnest(:key::text[], :operation::text[], :digest::text[])
     WITH ORDINALITY AS k (key, operation, digest, ord)
ORDER BY k.ord
ON CONFLICT DO NOTHING
RETURNING key, id;

-- add_postings --
-- Insert postings, but leave out those on a day that the site has closed; return the ids, which rise in their order.
-- By hand: the closed day must be read under a shared lock of the site's row. A closing locks that row alone: a booking
-- that looked earlier waits here for the closing, sees it, and is left out; the closing waits for each booking that has
-- come further than this. `day` is the site's day of the event.
-- Example: site_id = '{1}', process = '{"works order"}', at = '{2026-11-02 08:00+00}',
-- recorded_at = '{2026-11-02 08:01+00}', by_id = '{2}', key_id = '{NULL}', job_id = '{NULL}', reverses_id = '{NULL}',
-- remarks = '{""}', day = '{2026-11-02}'
INSERT INTO ledger_posting (site_id, process, at, recorded_at, by_id, key_id, job_id, reverses_id, remarks)
SELECT k.site_id, k.process, k.at, k.recorded_at, k.by_id, k.key_id, k.job_id, k.reverses_id, k.remarks
FROM unnest(
    :site_id::bigint[], :process::text[], :at::timestamptz[], :recorded_at::timestamptz[], :by_id::bigint[],
    :key_id::bigint[], :job_id::bigint[], :reverses_id::bigint[], :remarks::text[], :day::date[]
) WITH ORDINALITY
  AS k (site_id, process, at, recorded_at, by_id, key_id, job_id, reverses_id, remarks, day, ord)
JOIN stockmap_site s ON s.id = k.site_id AND (s.closed_through IS NULL OR s.closed_through < k.day)
ORDER BY k.ord
FOR KEY SHARE OF s
RETURNING id;

-- add_movements --
-- Insert movements in their order. Quantities are in millionths.
-- By hand: a booking writes one row per line, thousands at a time (docs/decisions/0008).
-- Example: site_id = 1, posting_id = '{1}', job_id = '{NULL}', at = '{2026-11-02 08:00+00}', item_id = '{7}',
-- quantity = '{2000000}', source_id = '{3}', source_bin = '{""}', target_id = '{4}', target_bin = '{""}',
-- batch = '{""}', serial = '{""}', status = '{ok}', due = '{NULL}', reason = '{""}', charged = '{1}',
-- source_after = '{8000000}', target_after = '{NULL}', rule_id = '{5}', line_id = '{6}', cost_id = '{7}',
-- resolves_id = '{NULL}', reverses_id = '{NULL}', origin_id = '{NULL}', remarks = '{""}'
INSERT INTO ledger_movement (
    site_id, posting_id, job_id, at, item_id, quantity, source_id, source_bin, target_id, target_bin, batch, serial,
    status, due, reason, charged, source_after, target_after, rule_id, line_id, cost_id, resolves_id, reverses_id,
    origin_id, remarks
)
SELECT
    :site_id::bigint, k.posting_id, k.job_id, k.at, k.item_id, k.quantity, k.source_id, k.source_bin, k.target_id,
    k.target_bin, k.batch, k.serial, k.status, k.due, k.reason, k.charged, k.source_after, k.target_after, k.rule_id,
    k.line_id, k.cost_id, k.resolves_id, k.reverses_id, k.origin_id, k.remarks
FROM unnest(
    :posting_id::bigint[], :job_id::bigint[], :at::timestamptz[], :item_id::bigint[], :quantity::bigint[],
    :source_id::bigint[], :source_bin::text[], :target_id::bigint[], :target_bin::text[], :batch::text[],
    :serial::text[], :status::text[], :due::bigint[], :reason::text[], :charged::smallint[],
    :source_after::bigint[], :target_after::bigint[], :rule_id::bigint[], :line_id::bigint[], :cost_id::bigint[],
    :resolves_id::bigint[], :reverses_id::bigint[], :origin_id::bigint[], :remarks::text[]
) WITH ORDINALITY AS k (
    posting_id, job_id, at, item_id, quantity, source_id, source_bin, target_id, target_bin, batch, serial, status, due,
    reason, charged, source_after, target_after, rule_id, line_id, cost_id, resolves_id, reverses_id, origin_id,
    remarks, ord
)
ORDER BY k.ord;

-- set_status --
-- Change the status of some locked movements; return the ids of those that had the status `before`.
-- By hand: +site_id keeps the indexes by site out of the choice, so that the movements are found by their primary key.
-- With statistics from a time when there was little, both databases read everything of the site instead.
-- Example: site_id = 1, ids = '{11, 12}', before = 'unresolved', after = 'resolved'
UPDATE ledger_movement m
SET status = :after
WHERE m.id = ANY(:ids::bigint[]) AND +m.site_id = :site_id AND m.status = :before
RETURNING m.id;

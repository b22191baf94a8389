-- claim_keys --
-- Insert an idempotency key that is new; return it with its id.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, key = 'scan 1', operation = 'book', digest = '0f'
INSERT INTO ledger_key (site_id, key, operation, digest)
VALUES (:site_id, :key, :operation, :digest)
ON CONFLICT DO NOTHING
RETURNING key, id;

-- add_postings --
-- Insert a posting, unless its day is one that the site has closed; return its id.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, process = 'works order', at = '2026-11-02 08:00:00', recorded_at = '2026-11-02 08:01:00',
-- by_id = 2, key_id = NULL, job_id = NULL, reverses_id = NULL, remarks = '', day = '2026-11-02'
INSERT INTO ledger_posting (site_id, process, at, recorded_at, by_id, key_id, job_id, reverses_id, remarks)
SELECT :site_id, :process, :at, :recorded_at, :by_id, :key_id, :job_id, :reverses_id, :remarks
WHERE NOT EXISTS (SELECT 1 FROM stockmap_site s WHERE s.id = :site_id AND s.closed_through >= :day)
RETURNING id;

-- add_movements --
-- Insert a movement. Quantities are in millionths.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, posting_id = 1, job_id = NULL, at = '2026-11-02 08:00:00', item_id = 7, quantity = 2000000,
-- source_id = 3, source_bin = '', target_id = 4, target_bin = '', batch = '', serial = '', status = 'ok', due = NULL,
-- reason = '', charged = 1, source_after = 8000000, target_after = NULL, rule_id = 5, line_id = 6, cost_id = 7,
-- resolves_id = NULL, reverses_id = NULL, origin_id = NULL, remarks = ''
INSERT INTO ledger_movement (
    site_id, posting_id, job_id, at, item_id, quantity, source_id, source_bin, target_id, target_bin, batch, serial,
    status, due, reason, charged, source_after, target_after, rule_id, line_id, cost_id, resolves_id, reverses_id,
    origin_id, remarks
)
VALUES (
    :site_id, :posting_id, :job_id, :at, :item_id, :quantity, :source_id, :source_bin, :target_id, :target_bin, :batch,
    :serial, :status, :due, :reason, :charged, :source_after, :target_after, :rule_id, :line_id, :cost_id,
    :resolves_id, :reverses_id, :origin_id, :remarks
);

-- set_status --
-- Change the status of some movements; return the ids of those that had the status `before`.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, ids = '[11, 12]', before = 'unresolved', after = 'resolved'
UPDATE ledger_movement
SET status = :after
WHERE id IN (SELECT value FROM json_each(:ids)) AND +ledger_movement.site_id = :site_id
  AND +status = :before
RETURNING id;

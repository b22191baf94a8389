-- add_bookings --
-- Insert a booking; return its id.
-- By hand: as on PostgreSQL.
-- Left to the database: reversed_by_id
-- Example: site_id = 1, posting_id = 1, job_id = 1, item_id = 7, good = 2000000, scrap = 0, quantity = 2000000,
-- scrap_reason = '', details = NULL, structure_id = 5, assumed = TRUE, type_code_id = 1, rule_id = 5
INSERT INTO backflushing_booking (
    site_id, posting_id, job_id, item_id, good, scrap, quantity, scrap_reason, details, structure_id, assumed,
    type_code_id, rule_id
)
VALUES (
    :site_id, :posting_id, :job_id, :item_id, :good, :scrap, :quantity, :scrap_reason, :details, :structure_id,
    :assumed, :type_code_id, :rule_id
)
RETURNING id;

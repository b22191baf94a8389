-- add_settlements --
-- Insert a settlement; return its id.
-- By hand: as on PostgreSQL.
-- Left to the database: undone_by_id
-- Example: site_id = 1, movement_id = 11, posting_id = 1, outcome = 'resolved', moved = 2000000, dropped = 0, kept_id =
-- NULL, remarks = ''
INSERT INTO unresolved_settlement (
    site_id, movement_id, posting_id, outcome, moved, dropped, kept_id, remarks
)
VALUES (
    :site_id, :movement_id, :posting_id, :outcome, :moved, :dropped, :kept_id, :remarks
)
RETURNING id;

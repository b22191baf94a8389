-- The fixed part of the selection (`archives/selection.py`). To paste one of these, create the temporary tables first.

-- select_postings --
-- Select the postings of a site before a moment, except opening stock.
-- By hand: the selection stays in the database, in a temporary table.
-- Example: site_id = 1, until = '2026-02-01', opening = 'opening'
INSERT INTO archive_goes
SELECT id
FROM ledger_posting
WHERE site_id = :site_id AND at < :until AND process <> :opening;

-- select_works_orders --
-- Select the cost objects of the works orders that are complete or cancelled and began by a day.
-- By hand: as select_postings.
-- Example: site_id = 1, through = '2026-01-31', complete = 'complete', cancelled = 'cancelled'
INSERT INTO archive_goes
SELECT -job_id
FROM works_worksorder
WHERE site_id = :site_id AND status IN (:complete, :cancelled) AND start_date <= :through;

-- select_purchase_orders --
-- Select the cost objects of the purchase orders that are closed and were placed by a day.
-- By hand: as select_postings.
-- Example: site_id = 1, through = '2026-01-31', closed = 'closed'
INSERT INTO archive_goes
SELECT -l.job_id
FROM subcontract_purchaseorderline l
JOIN subcontract_purchaseorder o ON o.id = l.order_id AND o.site_id = l.site_id
WHERE l.site_id = :site_id AND o.status = :closed AND o.placed_on <= :through;

-- keep_unresolved --
-- Take the postings with unresolved movements out of the selection.
-- By hand: as select_postings.
-- Example: site_id = 1, unresolved = 'unresolved'
DELETE FROM archive_goes
WHERE id IN (SELECT posting_id FROM ledger_movement WHERE site_id = :site_id AND status = :unresolved);

-- clear_selection --
-- Empty the selection.
-- By hand: as select_postings.
-- Example:
DELETE FROM archive_goes;

-- clear_ties --
-- Forget the connections between nodes.
-- By hand: as select_postings.
-- Example:
DELETE FROM archive_ties;

-- tie_back --
-- Add each connection in the other direction too.
-- By hand: as select_postings.
-- Example:
INSERT INTO archive_ties (one, other)
SELECT other, one
FROM archive_ties
WHERE true
ON CONFLICT DO NOTHING;

-- keep_tied_to_the_rest --
-- Take everything out of the selection that is connected to something that stays.
-- By hand: as select_postings. It is run until it finds nothing more.
-- Example:
DELETE FROM archive_goes
WHERE id IN (
    SELECT t.one
    FROM archive_ties t
    LEFT JOIN archive_goes g ON g.id = t.other
    WHERE g.id IS NULL
);

-- selected_postings --
-- Return the number of selected postings.
-- By hand: as select_postings.
-- Example:
SELECT COUNT(*)
FROM archive_goes
WHERE id > 0;

-- selected_nodes --
-- Return the numbers of all selected nodes, in order.
-- By hand: as select_postings.
-- Example:
SELECT id
FROM archive_goes
ORDER BY id;

-- below_zero_by_event_time --
-- Return items and locations whose balance by event time was below zero in a span of time: the lowest balance, the
-- first moment and the number of movements after which it was. Movements of the same moment count in the order of
-- recording. A balance is below 10 to the 12th, so sums of millionths fit 64 bits.
-- By hand: a running sum over a UNION of both ends of each movement.
-- Example: site_id = 1, since = '2026-01-01', until = '2026-02-01'
SELECT item_id, location_id, MIN(total), MIN(at), COUNT(*)
FROM (
    SELECT item_id, location_id, at,
           SUM(change) OVER (
               PARTITION BY item_id, location_id ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
           ) AS total
    FROM (
        SELECT m.id, m.at, m.item_id, m.target_id AS location_id, m.quantity AS change
        FROM ledger_movement m
        JOIN stockmap_location l ON l.id = m.target_id AND l.has_balance
        WHERE m.quantity > 0 AND m.site_id = :site_id
        UNION ALL
        SELECT m.id, m.at, m.item_id, m.source_id, -m.quantity
        FROM ledger_movement m
        JOIN stockmap_location l ON l.id = m.source_id AND l.has_balance
        WHERE m.quantity > 0 AND m.site_id = :site_id
    ) c
) t
WHERE total < 0 AND at >= :since AND at < :until
GROUP BY item_id, location_id
ORDER BY item_id, location_id;

-- Unresolved movements for which there is stock. Each statement starts with the stock, and searches the index of
-- unresolved movements once for each item and location; the other way round it would read every unresolved movement.
-- SQLite keeps the order of a cross join. The sum is cast to bigint, the type of the index: PostgreSQL's is numeric.

-- waiting_with_stock --
-- Return item, location and number of unresolved movements that fit now, for actions with one retry rule (U7), the
-- oldest first. in_part includes actions that post in part, for which any stock will do; that reads all unresolved
-- movements of each item in stock.
-- By hand: begins with a sum over the balances, which the ORM can't join.
-- Example: site_id = 1, retry = 'automatic', in_part = false, most = 200
SELECT m.item_id, m.source_id, m.id
FROM (
    SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there
    FROM ledger_balance
    WHERE site_id = :site_id
    GROUP BY item_id, location_id
    HAVING SUM(quantity) > 0
) t
CROSS JOIN ledger_movement m
JOIN stockmap_transferrule r ON r.id = m.rule_id
JOIN stockmap_action a ON a.id = r.action_id
WHERE m.site_id = :site_id AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id
  AND m.reason = 'short' AND a.retry = :retry
  AND m.due <= CASE WHEN :in_part THEN 9223372036854775807 ELSE t.there END
  AND (m.due <= t.there OR a.short = 'part')
ORDER BY m.at, COALESCE(m.origin_id, m.id), m.id
LIMIT :most;

-- waiting_with_stock_of_posting --
-- Return the same, but only for the stock that one posting brought.
-- By hand: as waiting_with_stock.
-- Example: site_id = 1, posting_id = 9, retry = 'propose', in_part = false, most = 200
SELECT m.item_id, m.source_id, m.id
FROM (
    SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there
    FROM ledger_balance
    WHERE site_id = :site_id
      AND (item_id, location_id) IN (
          SELECT item_id, target_id
          FROM ledger_movement
          WHERE site_id = :site_id AND posting_id = :posting_id AND status = 'ok'
      )
    GROUP BY item_id, location_id
    HAVING SUM(quantity) > 0
) t
CROSS JOIN ledger_movement m
JOIN stockmap_transferrule r ON r.id = m.rule_id
JOIN stockmap_action a ON a.id = r.action_id
WHERE m.site_id = :site_id AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id
  AND m.reason = 'short' AND a.retry = :retry
  AND m.due <= CASE WHEN :in_part THEN 9223372036854775807 ELSE t.there END
  AND (m.due <= t.there OR a.short = 'part')
ORDER BY m.at, COALESCE(m.origin_id, m.id), m.id
LIMIT :most;

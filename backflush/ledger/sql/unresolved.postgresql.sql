-- lock_unresolved --
-- Lock some movements, and the assumed movements that they go back to, with all that settling them needs.
-- By hand: as works.orders. It begins with the ids, so that a database that doesn't know yet how much is there reads no
-- more than it must; +site_id as in set_status.
-- Example: site_id = 1, movements = '{11, 12}'
SELECT
    m.id, m.site_id, m.posting_id, m.job_id, m.at, m.item_id, m.quantity, m.source_id, m.source_bin, m.target_id,
    m.target_bin, m.batch, m.serial, m.status, m.due, m.reason, m.charged, m.source_after, m.target_after, m.rule_id,
    m.line_id, m.cost_id, m.resolves_id, m.reverses_id, m.origin_id, m.remarks,
    item.id, item.code, item.description, item.product_group_id, item.type_code_id, item.component_class,
    item.stock_unit_id, item.quantity_decimals, item.cost_decimals, item.tracking, item.abc_class, item.stock_min,
    item.stock_max, item.batch_size, item.lead_time_days, item.obsolete_on, item.cost_id,
    unit.id, unit.ended_on, unit.code, unit.name,
    source.id, source.ended_on, source.site_id, source.store_id, source.code, source.path, source.description,
    source.has_balance, source.bin_controlled, source.supplier_id,
    target.id, target.ended_on, target.site_id, target.store_id, target.code, target.path, target.description,
    target.has_balance, target.bin_controlled, target.supplier_id,
    posting.id, posting.site_id, posting.process, posting.at, posting.recorded_at, posting.by_id, posting.key_id,
    posting.job_id, posting.reverses_id, posting.remarks,
    rule.id, rule.site_id, rule.action_id, rule.source_id, rule.target_id, rule.single, rule.active,
    action.id, action.ended_on, action.name, action.type, action.description, action.short, action.retry
FROM ledger_movement m
JOIN items_item item ON item.id = m.item_id
JOIN items_unit unit ON unit.id = item.stock_unit_id
JOIN stockmap_location source ON source.id = m.source_id
JOIN stockmap_location target ON target.id = m.target_id
JOIN ledger_posting posting ON posting.id = m.posting_id AND posting.site_id = m.site_id
LEFT JOIN stockmap_transferrule rule ON rule.id = m.rule_id
LEFT JOIN stockmap_action action ON action.id = rule.action_id
WHERE m.site_id = :site_id AND m.id IN (
    SELECT asked.id FROM unnest(:movements::bigint[]) AS asked (id)
    UNION
    SELECT o.origin_id
    FROM unnest(:movements::bigint[]) AS asked (id)
    JOIN ledger_movement o ON o.id = asked.id AND +o.site_id = :site_id AND o.origin_id IS NOT NULL
)
ORDER BY m.id
FOR NO KEY UPDATE OF m;

-- open_requirements --
-- Read what some unresolved movements, and those that they go back to, would move now.
-- By hand: made of six models each, reading a movement takes longer than settling it: a retry of 100,000 took twice
-- as long.
-- Example: site_id = 1, movements = '{11, 12}'
SELECT
    m.id, COALESCE(m.origin_id, m.id) AS root, m.at, m.status, m.reason, m.cost_id, action.short,
    m.source_id, m.source_bin, source.has_balance AS source_keeps_balance, source.bin_controlled AS source_has_bins,
    m.target_id, m.target_bin, target.has_balance AS target_keeps_balance, target.bin_controlled AS target_has_bins,
    m.item_id, m.due, item.cost_id AS cost_now, item.tracking, m.batch, m.serial, m.job_id, m.charged, m.rule_id,
    m.line_id
FROM ledger_movement m
JOIN items_item item ON item.id = m.item_id
JOIN stockmap_location source ON source.id = m.source_id
JOIN stockmap_location target ON target.id = m.target_id
LEFT JOIN stockmap_transferrule rule ON rule.id = m.rule_id
LEFT JOIN stockmap_action action ON action.id = rule.action_id
WHERE m.site_id = :site_id AND m.id IN (
    SELECT asked.id FROM unnest(:movements::bigint[]) AS asked (id)
    UNION
    SELECT o.origin_id
    FROM unnest(:movements::bigint[]) AS asked (id)
    JOIN ledger_movement o ON o.id = asked.id AND +o.site_id = :site_id AND o.origin_id IS NOT NULL
)
ORDER BY m.id;

-- lock_open_requirements --
-- Lock some unresolved movements, and those that they go back to, and read what they would move now.
-- By hand: as `open_requirements`.
-- Example: site_id = 1, movements = '{11, 12}'
SELECT
    m.id, COALESCE(m.origin_id, m.id) AS root, m.at, m.status, m.reason, m.cost_id, action.short,
    m.source_id, m.source_bin, source.has_balance AS source_keeps_balance, source.bin_controlled AS source_has_bins,
    m.target_id, m.target_bin, target.has_balance AS target_keeps_balance, target.bin_controlled AS target_has_bins,
    m.item_id, m.due, item.cost_id AS cost_now, item.tracking, m.batch, m.serial, m.job_id, m.charged, m.rule_id,
    m.line_id
FROM ledger_movement m
JOIN items_item item ON item.id = m.item_id
JOIN stockmap_location source ON source.id = m.source_id
JOIN stockmap_location target ON target.id = m.target_id
LEFT JOIN stockmap_transferrule rule ON rule.id = m.rule_id
LEFT JOIN stockmap_action action ON action.id = rule.action_id
WHERE m.site_id = :site_id AND m.id IN (
    SELECT asked.id FROM unnest(:movements::bigint[]) AS asked (id)
    UNION
    SELECT o.origin_id
    FROM unnest(:movements::bigint[]) AS asked (id)
    JOIN ledger_movement o ON o.id = asked.id AND +o.site_id = :site_id AND o.origin_id IS NOT NULL
)
ORDER BY m.id
FOR NO KEY UPDATE OF m;

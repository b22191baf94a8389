-- made_items --
-- Read some items with the actions of their type codes, and the single rules by which a site completes and
-- backflushes them.
-- By hand: as `orders`; the ORM joins no rows that don't refer to each other.
-- Example: site_id = 1, items = '{7, 8}'
SELECT
    item.id, item.code, item.description, item.product_group_id, item.type_code_id, item.component_class,
    item.stock_unit_id, item.quantity_decimals, item.cost_decimals, item.tracking, item.abc_class, item.stock_min,
    item.stock_max, item.batch_size, item.lead_time_days, item.obsolete_on, item.cost_id,
    unit.id, unit.ended_on, unit.code, unit.name,
    type_code.id, type_code.ended_on, type_code.code, type_code.description, type_code.completion_id,
    type_code.backflush_id, type_code.issue_id, type_code.return_action_id,
    completion.id, completion.ended_on, completion.name, completion.type, completion.description, completion.short,
    completion.retry,
    backflush.id, backflush.ended_on, backflush.name, backflush.type, backflush.description, backflush.short,
    backflush.retry,
    issue.id, issue.ended_on, issue.name, issue.type, issue.description, issue.short, issue.retry,
    return_action.id, return_action.ended_on, return_action.name, return_action.type, return_action.description,
    return_action.short, return_action.retry,
    completion_rule.id, completion_rule.site_id, completion_rule.action_id, completion_rule.source_id,
    completion_rule.target_id, completion_rule.single, completion_rule.active,
    completion_source.id, completion_source.ended_on, completion_source.site_id, completion_source.store_id,
    completion_source.code, completion_source.path, completion_source.description, completion_source.has_balance,
    completion_source.bin_controlled, completion_source.supplier_id,
    completion_target.id, completion_target.ended_on, completion_target.site_id, completion_target.store_id,
    completion_target.code, completion_target.path, completion_target.description, completion_target.has_balance,
    completion_target.bin_controlled, completion_target.supplier_id,
    backflush_rule.id, backflush_rule.site_id, backflush_rule.action_id, backflush_rule.source_id,
    backflush_rule.target_id, backflush_rule.single, backflush_rule.active,
    backflush_source.id, backflush_source.ended_on, backflush_source.site_id, backflush_source.store_id,
    backflush_source.code, backflush_source.path, backflush_source.description, backflush_source.has_balance,
    backflush_source.bin_controlled, backflush_source.supplier_id,
    backflush_target.id, backflush_target.ended_on, backflush_target.site_id, backflush_target.store_id,
    backflush_target.code, backflush_target.path, backflush_target.description, backflush_target.has_balance,
    backflush_target.bin_controlled, backflush_target.supplier_id
FROM items_item item
JOIN items_unit unit ON unit.id = item.stock_unit_id
JOIN items_typecode type_code ON type_code.id = item.type_code_id
LEFT JOIN stockmap_action completion ON completion.id = type_code.completion_id
LEFT JOIN stockmap_action backflush ON backflush.id = type_code.backflush_id
LEFT JOIN stockmap_action issue ON issue.id = type_code.issue_id
LEFT JOIN stockmap_action return_action ON return_action.id = type_code.return_action_id
LEFT JOIN stockmap_transferrule completion_rule
       ON completion_rule.action_id = type_code.completion_id AND completion_rule.site_id = :site_id
          AND completion_rule.single AND completion_rule.active
LEFT JOIN stockmap_location completion_source ON completion_source.id = completion_rule.source_id
LEFT JOIN stockmap_location completion_target ON completion_target.id = completion_rule.target_id
LEFT JOIN stockmap_transferrule backflush_rule
       ON backflush_rule.action_id = type_code.backflush_id AND backflush_rule.site_id = :site_id
          AND backflush_rule.single AND backflush_rule.active
LEFT JOIN stockmap_location backflush_source ON backflush_source.id = backflush_rule.source_id
LEFT JOIN stockmap_location backflush_target ON backflush_target.id = backflush_rule.target_id
WHERE item.id = ANY(:items::bigint[]);

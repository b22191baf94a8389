-- frozen_lines --
-- Read the lines of some frozen structures, with their components and from-locations.
-- By hand: as on PostgreSQL. It leaves out the steps: unpacking those of ten lines takes a twentieth of a booking.
-- Example: site_id = 1, structures = '[5, 6]'
SELECT
    line.id, line.site_id, line.structure_id, line.position, line.path, line.component_id, line.per_piece,
    line.fixed_exact, line.by_hand, line.supplier_provides, line.source_id,
    component.id, component.code, component.description, component.product_group_id, component.type_code_id,
    component.component_class, component.stock_unit_id, component.quantity_decimals, component.tracking,
    component.cost_id,
    source.id, source.ended_on, source.site_id, source.store_id, source.code, source.path, source.description,
    source.has_balance, source.bin_controlled, source.supplier_id
FROM structures_frozenline line
JOIN items_item component ON component.id = line.component_id
LEFT JOIN stockmap_location source ON source.id = line.source_id
WHERE line.site_id = :site_id AND line.structure_id IN (SELECT value FROM json_each(:structures))
ORDER BY line.structure_id, line.position;

-- frozen_lines_with_steps --
-- Read the lines of some frozen structures, with the steps by which each was worked out.
-- By hand: as on PostgreSQL.
-- Example: site_id = 1, structures = '[5, 6]'
SELECT
    line.id, line.site_id, line.structure_id, line.position, line.path, line.component_id, line.per_piece,
    line.fixed_exact, line.by_hand, line.supplier_provides, line.source_id, line.steps,
    component.id, component.code, component.description, component.product_group_id, component.type_code_id,
    component.component_class, component.stock_unit_id, component.quantity_decimals, component.tracking,
    component.cost_id,
    source.id, source.ended_on, source.site_id, source.store_id, source.code, source.path, source.description,
    source.has_balance, source.bin_controlled, source.supplier_id
FROM structures_frozenline line
JOIN items_item component ON component.id = line.component_id
LEFT JOIN stockmap_location source ON source.id = line.source_id
WHERE line.site_id = :site_id AND line.structure_id IN (SELECT value FROM json_each(:structures))
ORDER BY line.structure_id, line.position;

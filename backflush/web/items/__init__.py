"""Pages for items, their structures, orders and cost."""

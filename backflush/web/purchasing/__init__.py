"""Pages for purchase orders, receipts and sub-contractors."""

"""Sub-contracting: purchase orders, receipts, and free-issue stock at suppliers.

`receipts` decides what can be received on an order; what a receipt assumes is in `backflushing`.
"""

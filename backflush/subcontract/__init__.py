"""Sub-contracting: purchase orders, receipts, and free-issued stock at suppliers.

Here lives the purchase order and the receipt of goods on it. What a receipt assumes lives in `backflushing`.
"""

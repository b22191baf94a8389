"""Items with their costs, units and conversions, type codes, product groups and batches.

The structure of an item is in `structures`, its stock in `ledger`.
"""

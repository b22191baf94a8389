"""Items: what we stock.

Here live items with their costs, units and conversions, type codes, product groups and batches. What an item is
made of lives in `structures`; how much of it is where, in `ledger`.
"""

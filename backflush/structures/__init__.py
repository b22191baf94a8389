"""Structures (bills of material): the lines that engineers maintain, and frozen copies of them.

Orders, receipts and productions are planned from a frozen copy. A frozen copy never changes, and equal contents are
stored once, so a movement can name the structure line that its quantity comes from. Consumption is in `ledger`.
"""

"""Structures: what an item is made of.

Here live structure lines as engineers keep them, and the frozen copies that orders, receipts and productions were
planned from. Frozen copies never change and are shared by content, so that a movement can say where its quantity
comes from in one number. What was consumed lives in `ledger`.
"""

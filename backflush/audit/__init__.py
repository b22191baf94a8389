"""Audit: were the assumptions true, and is the ledger whole? Reads only.

`verify` proves the whole ledger: nothing lost, nothing doubled, every quantity follows from its structure. The
regular audit of backflushes, which a person works through, comes here too.
"""

"""Audit: were the assumptions true, and is the ledger whole?

`verify` proves the whole ledger: nothing lost, nothing doubled, every quantity follows from its structure. The regular
audit of backflushes is worked through check by check and signed off (`services`); `checks` has what each check finds,
`reckoning` what takes a walk through the whole ledger. It writes its own notes alone, and never stock.
"""

"""Audits: verify the ledger, and check whether the assumptions were true. Nothing here writes stock.

- `verification` checks the invariants of the whole ledger (`backflush verify`)
- `checks` defines the checks of a regular audit of backflushes, `lines` the findings that each lists
- `computation` carries out the part of an audit that reads the whole ledger
- `services` begins an audit, records reviews of its checks, and signs it off
"""

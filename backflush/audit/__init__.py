"""Audits: check that the ledger is whole and that the assumptions were true. Nothing here writes stock.

- `verification` checks the invariants of the whole ledger (`backflush verify`)
- `checks` defines the checks of a regular audit of backflushes, `lines` what each of them lists
- `computation` carries out the part of an audit that reads the whole ledger
- `services` begins an audit, records who looked at a check, and signs the audit off
"""

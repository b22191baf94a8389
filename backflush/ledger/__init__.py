"""The ledger: what moved, and what should have.

The only room that writes stock. Here live postings, movements, balances, the keys under which callers post, jobs, the
numbers that material is charged to, and closed periods with what was there at their ends. A posting is one use case's
record, its movements have two ends each, and nothing posted is ever changed but the status of an unresolved movement.
*Why* something moved is known by the rooms above: a booking points at its posting, not the other way round.
"""

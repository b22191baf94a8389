"""Unresolved: what should have moved and could not.

Here a person says what really happened: resolve, revise, cancel, retry, and undo of each. What waits is kept in
`ledger`, as unresolved movements; here lives what became of it.
"""

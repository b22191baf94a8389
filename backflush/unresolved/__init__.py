"""Unresolved movements: resolve, cancel, retry, and undo of each, with a record of what was done.

The unresolved movements themselves are in `ledger`. A settlement locks its movement, so it happens once.

- `resolution`, `cancellation`, `retry`, `undo`: what a person does; `settlement`: what they share
- `background_retry`: a long retry as a background job
- `arrivals`: what arriving stock makes possible; `auto_settlement`: settles it where the action says so
- `queue`, `selectors`: the list of what is unresolved, and candidates to resolve it from
"""

"""The ledger: postings, movements and balances. The only writer of stock (archives move whole rows out and back).

It also keeps idempotency keys, cost objects (what material is charged to), and closed periods with their balances. A
posting records one operation; its movements have two ends each; only the status of an unresolved movement ever changes.
The ledger doesn't know why something moved: a booking points at its posting, not the other way round.

- `posting`: locks balances and writes postings; `statements`: its SQL; `shortages`: why a posting was refused
- `idempotency`: claims a caller's key; `lot_allocation`: batches and serial numbers of a movement
- `periods`: closes and reopens periods; `history`: balances as at a past time
- `selectors`, `movement_list`, `bin_card`, `stock_by_location`, `open_requirements`: queries
- `archived_numbers`: what stays known of archived rows
"""

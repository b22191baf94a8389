"""Services that change works orders and book production.

- `orders`: creates and changes orders; `transitions`: moves them from status to status; `history`: records changes
- `booking`, `production_without_order`: book production; `production`: what both share; `guards`: locks and checks
"""

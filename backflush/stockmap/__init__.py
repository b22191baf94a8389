"""The stock map: sites, stores, locations, bins and suppliers, and the actions and transfer rules that move stock.

Items are in `items`, stock in `ledger`. `deactivation` ends and reactivates set-up rows, `deletion` deletes the unused.
"""

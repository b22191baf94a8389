"""Stock map: where stock may be, and how it may move.

Here live sites, stores, locations, bins, suppliers, actions and their transfer rules. What an item is, and how
much of it is where, does not live here.
"""

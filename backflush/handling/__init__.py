"""Handling: what people move by hand, and taking back what was posted.

Opening stock, hand movements, and the reversal of any posting by what it was. Counts come here too. Issues to works
orders and returns from them are in `works`, which knows whether an order takes them; what the system assumes by
itself is in `backflushing`.
"""

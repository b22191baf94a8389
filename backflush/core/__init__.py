"""Decisions and arithmetic, over plain values.

Nothing here knows a database, a clock or a framework: what a function needs stands in its arguments, and it
answers with values. Whoever wants to know *what Backflush decides* reads this package from top to bottom:

- `quantity`: exact decimals, rounded here and nowhere else (Q1, Q5)
- `units`: conversions as exact ratios, and the one that wins (Q4)
- `structure`: lines in force, phantoms passed through, loops (S2 to S6)
- `consumption`: what a booking assumes, without drift (Q2, Q3), and what can move of it now (U1, U2, T1, T4)
- `moves`: a movement's two ends, and stock as it is while a plan is made
- `lifecycle`: what may be done with an order in which status (W)
- `costing`: what an order's material cost, and why that differs from the structure (C1)
- `refusals`: every way to say no
"""

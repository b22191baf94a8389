"""Decisions and arithmetic over plain values, with the standard library alone: no database, clock or framework.

- `quantity`: exact decimals, rounded here and nowhere else (Q1, Q5)
- `units`: unit conversions as exact ratios, and which one wins (Q4)
- `structure`: lines in force, phantoms, waste, loops (Q2, S2 to S6)
- `consumption`: what a booking assumes (Q3), and the largest quantity that leaves nothing short (B7)
- `moves`: a movement with its two ends, and the plan of what moves and what stays unresolved (U1, U2, T1, T4)
- `lifecycle`: what can be done with an order in which status (W)
- `costing`: an order's material cost and its usage variances (C1)
- `input_values`: numbers, dates and texts as people and programs enter them (Q6); `text`: limits of texts
- `refusals`: every domain error, with its code
"""

"""Are the assumptions true? Finds wrong structure lines, and other causes, from counts.

- `evidence_reader`: the ledger as counts, assumed use and other moves, by event time
- `findings`: what is wrong, in quantities and money
- `estimation`: the estimator, functions of arrays
"""

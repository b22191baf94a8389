"""Are the assumptions true? Finds wrong structure lines, and other causes, from counts (`docs/assumptions.md`).

- `estimation`: the estimator, functions of arrays
"""

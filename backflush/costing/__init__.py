"""Costing: what was made, in money: a works order's material cost and its usage variance. Reads only.

Roll-up and valuation come here too.
"""

"""A demo plant: Northmoor Trailers, with four months of works orders and a queue of unresolved movements.

`plant` sets it up, `acts` are what its people do, `story` plays them day by day through the services that people use.
The story ends yesterday, counted back from `today`, so the ages in the queue are always the same; with a fixed `today`
the dates are fixed too. Tests and the tour use it.
"""

"""A believable plant: Northmoor Trailers, four months of its works orders, and a queue of unresolved movements.

`plant` sets it up, `acts` are what its people do, `story` is what they did day by day; everything goes through the
same services as people use. The story ends yesterday: its days are counted back from `today`, so that ages in the
queue are the same whenever the plant is made, with real dates that are recent. A fixed `today` gives fixed dates.
Tests, the tour and the pages use it. It holds no rule of stock.
"""

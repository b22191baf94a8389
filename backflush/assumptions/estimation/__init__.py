"""The estimator: which structure lines are wrong, by how much, and what else it was.

Functions of arrays; they know no database and no clock.

- `evidence`: counts, assumed use and other moves, with the order in which they happened
- `pools`: the difference of each interval between two counts, and its covariance
- `columns`: the explanations of a pool, each as a column with a prior
- `search`: the models of many pools at once, by adding one column at a time
- `posterior`: probabilities, estimates, intervals and sets, from the models
- `noise`: noise, prior shares and scales, estimated from all pools together
- `shared`: explanations that many pools share, such as a booking with a wrong date
- `audit`: all of it, in order
"""

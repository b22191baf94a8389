"""The set-up check (`backflush doctor`): what in the set-up will go wrong with the next bookings, and what to do.

It reads a site with a fixed number of SQL statements and changes nothing. `audit` checks what is in the ledger.

- `findings`: what a finding is, and every kind of finding
- `chart`: the set-up of a site, read once
- `needs`: what every live item needs and from where, today and on each later day on which that changes
- `rules`: checks of actions, transfer rules and type codes
- `lines`: checks of structures and their components
- `selectors`: `examine`, which runs all checks
- `last_check`: the stored result of the last check
"""

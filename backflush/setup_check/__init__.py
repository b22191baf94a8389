"""The doctor: reads the set-up and says what will go wrong, each finding with its remedy.

It looks forward: what the set-up will do to the next booking. What the ledger holds is checked by `audit`. It reads
only, all of a site with the same few statements, however large the plant is.

    findings   what a finding is, and every kind there is
    chart      the set-up of a site, read once
    needs      what every live item needs, where from, today and from every later day on which that changes
    rules      actions, rules and type codes
    lines      structures and their components
    selectors  `examine`, which asks all of these
    last_check the last examination, kept for a glance
"""

"""Set-up: what there is of each kind, by how much it is used, its form, and what the doctor finds wrong with it.

A kind of thing is a class with its columns, its fields and what saving them calls; two templates draw them all.

    kinds       what a kind is, and what its list and its form ask of it
    places      stores and locations with their bins
    naming      type codes and product groups
    units       units and conversions
    suppliers   suppliers and where our stock at them is
    sites       sites
    pages       the kinds together: their lists, forms, and what is deleted or ended
    people      who may sign in, and what they may do where
    actions     actions with their rules
    checking    the set-up check: the doctor's findings, group by group
"""

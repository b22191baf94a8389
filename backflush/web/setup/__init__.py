"""Set-up: lists and forms of everything that a plant is set up with, and what the set-up check finds wrong with it.

A kind of record is a class with its columns, its fields and the service that saves them (`resource.SetupResource`).
Two templates draw all kinds: `setup/list.html` and `setup/form.html`.

    resource        the base class of the kinds
    places          stores, and locations with their bins
    classification  type codes and product groups
    units           units and unit conversions
    suppliers       suppliers, and where our stock at them is
    sites           sites
    users           people, and their roles at each site
    views           the lists and forms of all kinds; deleting and deactivating records
    actions         actions with their rules
    checks          the set-up check's findings, group by group
    labels          labels for locations and bins
"""

"""People: who did it, and who may do what at which site.

Here live users, the roles they have at sites, and the matrix of rights. Each door asks `selectors.require` before it
calls a service; the services themselves take whoever it is by name (`by`).
"""

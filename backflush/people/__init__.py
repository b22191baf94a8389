"""Users, their roles at sites, API tokens, and the matrix of rights.

A door calls `selectors.require` before it calls a service. Services don't check rights; they record the user (`by`).
"""

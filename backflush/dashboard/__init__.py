"""The queries behind Home: one module per block, with one selector that uses a fixed number of SQL statements.

How a block looks, and which roles see it, is in `web.home.blocks`.
"""

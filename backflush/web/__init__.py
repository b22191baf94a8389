"""The pages: they translate between browsers and the services, and have no business rules of their own.

`docs/pages.md` says how pages are written: modules, refusals, reading and showing values, pieces, styles and scripts.
"""

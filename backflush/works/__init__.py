"""Works orders from new to complete, production on them and without order, and issues and returns by hand.

`services` creates, changes and books orders, `material_issue` issues to and returns from them. What a booking assumes
is in `backflushing`.
"""

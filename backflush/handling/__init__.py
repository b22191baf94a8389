"""Stock moved by hand: opening stock, manual movements, transfers between sites, and reversals of any posting.

`moves.reverse` chooses by the posting's process how it is taken back, and `rights` says who may do it. Issues to works
orders and returns from them are in `works.material_issue`, because only `works` knows whether an order accepts them.
"""

"""Counts of stock: the outside check on the stock that assumptions leave (H).

A count is kept whether or not it differs. Its difference is posted at the time of the count, on top of all movements
since. Postings that concern a time before a count change its difference (`corrections`).

- `services`, `reversal`, `approval`: enter counts, reverse one, approve or reject those that wait
- `sheets`: make, close and cancel count sheets; `sheet_progress`: what is finished on them
- `plan`: what is due to be counted today
- `tolerances`: whether a difference is posted at once, counted again or approved first
- `differences`: what the ledger says at a count's time, and posting the difference
- `corrections`: the changes that other postings make to the differences of counts; every room that posts uses it
- `lessons`: the cause of a count's difference
- `selectors`: counts and their evidence
"""

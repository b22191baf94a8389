"""Works orders: what is to be made, and booking that it was; production without order, and kits.

Here lives the works order from new to complete. What a booking assumes lives in `backflushing`, issues and returns
by hand in `handling`.
"""

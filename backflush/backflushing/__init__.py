"""Backflushing: the assumption itself.

Booking production, producing without order and receiving goods all come down to the same: what was made goes into
stock, and the structure says what must have gone into it. Here lives the booking, with its preview, its reversal and
its explanation. Orders, and what may be booked on them, live in `works` and `subcontract`.
"""

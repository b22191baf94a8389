"""The backflush: bookings, what they assume, and how they are previewed, explained and reversed.

A booking is production on a works order, production without order, or a receipt. `report_kinds` and `stream` take any
number of them, `services` posts and reverses them, `consumption` computes what they assume, `selectors` previews and
explains. Which bookings an order accepts is decided in `works` and `subcontract`; what becomes of unresolved use is in
`unresolved`.
"""

"""The backflush: bookings, what they assume, and how they are previewed, explained and reversed.

A booking is production on a works order, production without order, or a receipt. `works` and `subcontract` declare
these kinds and their subjects; what becomes of unresolved use is in `unresolved`.

- `report_kinds`: what a kind of booking declares; `booking`: checks and posts any number of reports, of any kinds
- `consumption`: what bookings assume; `stream`: reports that arrive one after the other
- `selectors`: previews; `explanation`: where a quantity came from; `outcomes`: what became of the use
- `reversal`: takes a booking back; `material_flow`: the movements that an item's set-up would make
"""

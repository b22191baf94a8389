"""The statements of archives by name. The SQL is in `archives/sql/`.

What is made from the references between the models is in `archives/selection.py`.
"""

from typing import Final

from backflush.db.statements import Statements

SQL: Final = Statements("backflush.archives")

CREATE_ARCHIVE_GOES: Final = SQL["create_archive_goes"]
CREATE_ARCHIVE_TIES: Final = SQL["create_archive_ties"]

SELECT_POSTINGS: Final = SQL["select_postings"]
SELECT_WORKS_ORDERS: Final = SQL["select_works_orders"]
SELECT_PURCHASE_ORDERS: Final = SQL["select_purchase_orders"]
KEEP_UNRESOLVED: Final = SQL["keep_unresolved"]
CLEAR_SELECTION: Final = SQL["clear_selection"]
CLEAR_TIES: Final = SQL["clear_ties"]
TIE_BACK: Final = SQL["tie_back"]
KEEP_TIED_TO_THE_REST: Final = SQL["keep_tied_to_the_rest"]
SELECTED_POSTINGS: Final = SQL["selected_postings"]
SELECTED_NODES: Final = SQL["selected_nodes"]

FIRST_AND_LAST_MOVEMENT: Final = SQL["first_and_last_movement"]
ADD_STRETCHES: Final = SQL["add_stretches"]
ADD_STRETCHES_WITHOUT_BALANCE: Final = SQL["add_stretches_without_balance"]
ADD_MOVEMENT_RANGES: Final = SQL["add_movement_ranges"]
ADD_POSTING_RANGES: Final = SQL["add_posting_ranges"]
ADD_WORKS_ORDERS: Final = SQL["add_works_orders"]
ADD_PURCHASE_ORDERS: Final = SQL["add_purchase_orders"]
ADD_KEYS: Final = SQL["add_keys"]
SELECTED_QUANTITIES: Final = SQL["selected_quantities"]

ADD_TOTALS_BETWEEN: Final = SQL["add_totals_between"]
ADD_TOTALS_AT_THE_END: Final = SQL["add_totals_at_the_end"]
MOVEMENTS_BY_BALANCE: Final = SQL["movements_by_balance"]

"""The audit's statements by name. The SQL is in `audit/sql/`, with the purpose of each."""

from typing import Final

from backflush.db.statements import Statements

SQL: Final = Statements("backflush.audit")

BALANCES_AGAINST_MOVEMENTS: Final = SQL["balances_against_movements"]
IMPOSSIBLE_BALANCES: Final = SQL["impossible_balances"]
SERIALS_IN_TWO_PLACES: Final = SQL["serials_in_two_places"]
ITEMS_IN_AGAINST_OUT: Final = SQL["items_in_against_out"]
BROKEN_RUNNING_BALANCES: Final = SQL["broken_running_balances"]
UNSETTLED_MOVEMENTS: Final = SQL["unsettled_movements"]
SETTLEMENTS_AGAINST_MOVEMENTS: Final = SQL["settlements_against_movements"]
UNEQUAL_REVERSALS: Final = SQL["unequal_reversals"]
MOVEMENTS_REVERSED_TWICE: Final = SQL["movements_reversed_twice"]
MOVEMENTS_LEFT_BY_REVERSALS: Final = SQL["movements_left_by_reversals"]
COST_OBJECTS_AGAINST_BOOKINGS: Final = SQL["cost_objects_against_bookings"]
POSTINGS_WITHOUT_BOOKING: Final = SQL["postings_without_booking"]
KEYS_WITHOUT_POSTING: Final = SQL["keys_without_posting"]
BOOKINGS_WITHOUT_THEIR_REVERSAL: Final = SQL["bookings_without_their_reversal"]
PERIOD_BALANCES_AGAINST_MOVEMENTS: Final = SQL["period_balances_against_movements"]

BELOW_ZERO_BY_EVENT_TIME: Final = SQL["below_zero_by_event_time"]

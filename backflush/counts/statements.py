"""The statements of counts by name. The SQL is in `counts/sql/`."""

from typing import Final

from backflush.db.statements import Statements

SQL: Final = Statements("backflush.counts")

LEDGER_AT_COUNTS: Final = SQL["ledger_at_counts"]
MARK_COUNTED: Final = SQL["mark_counted"]
FILL_LINES: Final = SQL["fill_lines"]

COUNTS_AGAINST_LEDGER: Final = SQL["counts_against_ledger"]
COUNTS_AGAINST_CHANGES: Final = SQL["counts_against_changes"]
CHANGES_AGAINST_MOVEMENTS: Final = SQL["changes_against_movements"]

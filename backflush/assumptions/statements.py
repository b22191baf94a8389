"""The statements of the audit of assumptions by name. The SQL is in `assumptions/sql/`."""

from typing import Final

from backflush.db.statements import Statements

SQL: Final = Statements("backflush.assumptions")

MOVES_OF_COUNTED_STOCK: Final = SQL["moves_of_counted_stock"]

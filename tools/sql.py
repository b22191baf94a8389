"""Print a statement of an SQL file with its example values, to be pasted into psql or sqlite3.

.venv/bin/python tools/sql.py                                   list the names
.venv/bin/python tools/sql.py ledger.lock_balances postgresql   print one
"""

import os
import sys
from collections.abc import Sequence

import django

os.environ["DATABASE_URL"] = "sqlite://:memory:"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
django.setup()

from backflush.db.checks import all_texts  # noqa: E402 - the check needs Django set up


def main(given: Sequence[str]) -> None:
    """List the statements, or print one of them for a database."""
    texts = dict(all_texts())
    match given:
        case []:
            print(*texts, sep="\n")
        case [name, database] if database in texts.get(name, {}):
            sql = texts[name][database]
            print(*(f"-- {line}" for line in sql.description.splitlines()), f"{sql.with_examples()};", sep="\n")
        case _:
            sys.exit("Name a statement and a database: tools/sql.py ledger.lock_balances postgresql")


if __name__ == "__main__":
    main(sys.argv[1:])

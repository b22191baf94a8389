"""One list of hostile values, thrown at every form, filter, page mark and API field."""

from typing import Final

HOSTILE: Final = (
    "9" * 5_000,
    "-" + "9" * 30,
    "1e999999",
    "NaN",
    "\u0661\uff12\u00b3",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
    "\0",
    "\ud800",
    "\u202e\x1b[31m\r\nSet-Cookie: a=b",
    "<script>alert(1)</script>\"'`{{7*7}}{% debug %}${7*7}",
    "'; DROP TABLE ledger_movement; --",
    "../../../../etc/passwd",
    "%00%0a%ff",
    "=1+1",
    "[" * 20_000,
    '{"source": ' * 500,
    "x" * 100_000,
)

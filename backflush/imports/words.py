"""The words that files from elsewhere have: headings of columns, names of units, and values of choices (`words.toml`).

Each row of `HEADINGS` is a column of an import table with its usual headings, the most exact first, in English and
German and as other systems export them. They are compared without case, punctuation and line breaks (`heading_key`).
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LEVEL: Final = "level"
DESCRIPTION: Final = "description"
BASE: Final = "base_quantity"
NOT_FITTED: Final = "not_fitted"

OF_THE_LINES: Final = frozenset({"qty items", "bom line ids product qty", "bom lines quantity"})
"""Headings of a line's quantity that stand beside the quantity of the whole bill of materials."""

EXTRA: Final[Mapping[str, Mapping[str, str]]] = {
    "structures": {
        LEVEL: "The level of the row: 1, 1.1, 1.1.1, or 0, 1, 2. The parent is the row above with the next lower one.",
        DESCRIPTION: "The description of the component; read only for new items.",
        BASE: "The quantity of the parent that the lines are for; their quantities are divided by it.",
        NOT_FITTED: "Whether the component is left out of the product; such rows aren't imported.",
    },
}
"""Columns that can be read from a file besides those of a table, with their meaning."""

_WORDS: Final = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))

HEADINGS: Final[Mapping[str, Mapping[str, list[str]]]] = _WORDS["headings"]
"""The usual headings of each column, by table."""

HINTS: Final[Mapping[str, list[str]]] = _WORDS["hints"]
"""Headings that aren't read, but tell which table a file is."""

UNIT_NAMES: Final[list[list[str]]] = _WORDS["units"]["names"]
"""Usual names of units; each group is one unit."""

CHOICES: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    (table, column): {word: value for value, words in values.items() for word in words}
    for table, columns in _WORDS["choices"].items()
    for column, values in columns.items()
}
"""Usual values of choices, by table and column."""


def heading_key(heading: str) -> str:
    """Return a heading without case, underscores, punctuation and line breaks, for comparing."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return " ".join(re.sub(r"[^\w#%]|_", " ", folded).split())


def unit_group(name: str) -> tuple[str, ...]:
    """Return the usual names of the unit that a name stands for; only itself if it isn't a usual one."""
    key = unicodedata.normalize("NFKC", name).strip().casefold().rstrip(".")
    return next((tuple(group) for group in UNIT_NAMES if key in group), (key,))

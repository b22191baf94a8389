"""The worked cases of rules that are not built yet, by rule.

`test_cases.py` runs each of them and expects it to fail. A case that passes makes that test fail: take it out of this
list and write its rule into `docs/rules.md` when you build it.
"""

from collections.abc import Mapping
from typing import Final

UNBUILT: Final[Mapping[str, tuple[str, ...]]] = {
    "E1": (
        "a stated quantity moves instead of the assumed one, and both are kept",
        "a component that is not in the structure is added",
        "an action that assumes takes nothing that is stated",
    ),
    "E2": (
        "what one booking states never enters what the next assumes",
        "a stated quantity that is short waits whole",
        "a line stated with its batch does not wait",
    ),
    "E3": ("beyond the tolerance a reason is needed",),
    "E4": (
        "a booking is corrected down to what was really used, and taken back once",
        "a correction upwards waits for what is not there",
    ),
    "E5": (
        "part of a booking is taken back, then the rest, and nothing is left over",
        "of a part that is taken back what waits goes first",
    ),
    "E6": ("what was issued by hand before is netted where the action says so",),
    "X1": (
        "the next place of the rule has it all",
        "in part, each place gives what it has and the rest waits at the first",
    ),
    "X2": (
        "a substitute stands in whole where its own component is short",
        "where the substitute is short too, the line waits as its own component",
    ),
    "X3": ("an action that refuses what is short books nothing at all",),
    "X4": ("batches may be assumed, the first to expire first, and an expired one never",),
    "S7": ("a component may name its own place for backflushes",),
    "Q5": ("a structure for a hundred, and a third",),
    "Y": ("a by-product comes out with each booking and goes back with its reversal",),
}

RULE_OF: Final[Mapping[str, str]] = {name: rule for rule, names in UNBUILT.items() for name in names}
"""The rule of each case listed here, by the case's name."""

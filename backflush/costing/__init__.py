"""Cost questions, answered from recorded movements and structures. Nothing here writes.

`selectors` compares a works order's material cost with its structure (C1); `structure` rolls an item's standard cost up
from its structure (C2).
"""

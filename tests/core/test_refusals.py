"""The family of refusals is complete, and every member has a code of its own."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import backflush
from backflush.core import refusals
from backflush.core.refusals import Refusal

# A door has a few of its own, about its own ways: they stand beside it.
FAMILY = [one for one in Refusal.__subclasses__() if one.__module__ == refusals.__name__]
# Those that the specification names.
NAMED = frozenset(
    """
    invalid_quantity no_conversion conversions_disagree structure_loop wrong_class obsolete_item too_many_rules no_rule
    no_such_rule wrong_action_type no_completion_action no_issue_action no_return_action order_not_new
    order_not_released order_not_open more_than_issued insufficient_stock not_unresolved remarks_required
    batch_required serials_required bin_required already_reversed key_reused period_closed date_in_future
    same_location duplicate_rule not_found not_allowed
    """.split()  # noqa: SIM905  # as the specification lists them
)


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = Counter(one.code for one in FAMILY)
    assert [code for code, times in codes.items() if times > 1] == []
    assert Refusal.code not in codes


def test_every_code_of_the_specification_is_there() -> None:
    assert {one.code for one in FAMILY} >= NAMED


@pytest.mark.parametrize("refusal", FAMILY, ids=lambda one: one.__name__)
def test_a_code_is_the_name_in_small_letters(refusal: type[Refusal]) -> None:
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", refusal.__name__).lower() == refusal.code
    assert refusal.__doc__


def test_the_tree_names_every_refusal_once_and_nothing_else() -> None:
    tree = (refusals.__doc__ or "").split("A refusal changes nothing")[0]
    named = Counter(re.findall(r"\b[A-Z]\w+", tree.split("Refusal\n", 1)[1]))
    assert named == Counter(one.__name__ for one in FAMILY)


def test_a_refusal_speaks_of_every_line_concerned() -> None:
    refusal = Refusal("BOLT is short.", field="quantity", details=["LUG is short.", "TUBE is short."])
    assert str(refusal) == "BOLT is short. LUG is short. TUBE is short."
    assert refusal.details == ("LUG is short.", "TUBE is short.")


POSTING_ROOMS = ("core", "items", "ledger", "unresolved", "backflushing", "works", "subcontract", "handling")


def test_every_refusal_that_a_posting_may_meet_carries_a_field() -> None:
    """Whoever raises one says what it is about, so that a page can show it there."""
    names = {one.__name__ for one in FAMILY}
    without = []
    house = Path(backflush.__file__).parent
    for file in (file for room in POSTING_ROOMS for file in (house / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names):
                continue
            if not any(keyword.arg == "field" for keyword in node.keywords):
                without.append(f"{file.name}:{node.lineno} {node.func.id}")
    # A structure that is too large is about no field of it.
    assert [one for one in without if "StructureTooLarge" not in one] == []

"""The refusals are complete, and each has a code of its own."""

import ast
import copy
import pickle
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import backflush
from backflush.core import refusals
from backflush.core.moves import Status
from backflush.core.refusals import Conflict, Forbidden, Invalid, InvalidQuantity, NotFound, Refusal, Unavailable
from backflush.core.sentences import Count, Sentence, places
from backflush.ledger.models import ArchivedKind

FAMILIES = (Invalid, Conflict, NotFound, Forbidden, Unavailable)


def below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    """Return all subclasses of a refusal in the core, at any depth; the doors define a few of their own."""
    for one in kind.__subclasses__():
        if one.__module__ == refusals.__name__:
            yield one
            yield from below(one)


FAMILY = list(below(Refusal))
# Named in the specification
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


def test_every_code_of_the_specification_exists() -> None:
    assert {one.code for one in FAMILY} >= NAMED


@pytest.mark.parametrize("refusal", FAMILY, ids=lambda one: one.__name__)
def test_a_code_is_the_name_in_small_letters(refusal: type[Refusal]) -> None:
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", refusal.__name__).lower() == refusal.code
    assert refusal.__doc__


def test_every_refusal_belongs_to_one_family() -> None:
    members = [one for one in FAMILY if one not in FAMILIES]
    assert [one for one in members if sum(issubclass(one, family) for family in FAMILIES) != 1] == []


def test_the_tree_names_every_refusal_once_and_nothing_else() -> None:
    tree = (refusals.__doc__ or "").split("A refusal changes nothing")[0]
    named = Counter(re.findall(r"\b[A-Z]\w+", tree.split("Refusal\n", 1)[1]))
    assert named == Counter(one.__name__ for one in FAMILY)


def test_a_refusal_names_every_line_concerned() -> None:
    refusal = Refusal("BOLT is short.", field="quantity", details=["LUG is short.", "TUBE is short."])
    assert str(refusal) == "BOLT is short. LUG is short. TUBE is short."
    assert refusal.details == ("LUG is short.", "TUBE is short.")


def test_a_refusal_keeps_its_template_and_parameters() -> None:
    refusal = InvalidQuantity("Enter {quantity} {unit}.", quantity=Decimal("2.50"), unit="KG", field="good")
    assert refusal.sentence == str(refusal) == "Enter 2.5 KG."
    assert refusal.template == "Enter {quantity} {unit}."
    assert refusal.params == {"quantity": Decimal("2.50"), "unit": "KG"}
    again = InvalidQuantity.of(refusal.sentence, field="scrap")
    assert (again.template, again.params, again.field) == (refusal.template, refusal.params, "scrap")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("0.250"), "0.25"),
        (Decimal("NaN"), "NaN"),
        (12345, "12345"),
        (Count(12345), "12,345"),
        (date(2026, 3, 3), "3 Mar 2026"),
        (date(999, 3, 3), "3 Mar 999"),
        (datetime(2026, 3, 3, 4, 5, tzinfo=UTC), "3 Mar 2026 04:05"),
        (Status.UNRESOLVED, "unresolved"),
        (ArchivedKind.MOVEMENT, "movement"),
        (["W-1", "W-2"], "W-1, W-2"),
        (["W-1", Sentence("{low} or {high}", low=1, high=2)], "W-1, 1 or 2"),
        ("{unit}", "{unit}"),
        ("a\0b\ud800\x1b", "a\\x00b\\ud800\\x1b"),
        ("Ø 8\N{NO-BREAK SPACE}mm", "Ø 8\N{NO-BREAK SPACE}mm"),
    ],
)
def test_a_value_is_written_by_its_type(value: object, text: str) -> None:
    assert Sentence("{value}.", value=value) == f"{text}."


def test_a_sentence_survives_copying_and_pickling() -> None:
    sentence = Sentence("{item} is short.", item="{unit}")
    for copied in (copy.deepcopy(sentence), pickle.loads(pickle.dumps(sentence))):  # added by us
        assert (copied, copied.template, copied.params) == (sentence, sentence.template, sentence.params)


NOT_PARAMETERS = {"field", "details", "archives"}
HOUSE = Path(backflush.__file__).parent


def sentence_calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield each call in the package that makes a refusal or a sentence from a template, with its place."""
    files = (file for file in sorted(HOUSE.rglob("*.py")) if file != Path(refusals.__file__))
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    makers = {"Sentence", "Refusal", *(one.__name__ for one in FAMILY)}
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in FAMILIES:
        makers |= {one.name for one in classes if any(getattr(base, "id", "") in makers for base in one.bases)}
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
                yield f"{file.relative_to(HOUSE)}:{node.lineno}", node


def test_a_sentence_is_a_constant_template_whose_places_are_its_parameters() -> None:
    """No f-string, no `%`, no `.format`: a page could not translate it, and a program could not read its values."""
    wrong = []
    for where, call in sentence_calls():
        template = call.args[0] if len(call.args) == 1 else None
        names = {keyword.arg for keyword in call.keywords}
        if not isinstance(template, ast.Constant) or not isinstance(template.value, str):
            wrong.append(f"{where} is not a constant text")
        elif None not in names and names - NOT_PARAMETERS != places(template.value):
            wrong.append(f"{where} has the places {places(template.value)} and the parameters {names - NOT_PARAMETERS}")
    assert wrong == []


POSTING_ROOMS = ("core", "items", "ledger", "unresolved", "backflushing", "works", "subcontract", "handling")


def test_every_refusal_of_a_posting_names_a_field() -> None:
    """So that a page can show it at the field."""
    names = {one.__name__ for one in FAMILY}
    without = []
    for file in (file for room in POSTING_ROOMS for file in (HOUSE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names):
                continue
            if not any(keyword.arg == "field" for keyword in node.keywords):
                without.append(f"{file.name}:{node.lineno} {node.func.id}")
    # A structure that is too large concerns no single field.
    assert [one for one in without if "StructureTooLarge" not in one] == []

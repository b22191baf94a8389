"""Check the worked cases as documents: the format, and the list of cases whose rules are not built yet."""

from pathlib import Path

import pytest

from tests.cases.adapter import OPERATIONS
from tests.cases.reading import OPERATION_KEYS, read_cases
from tests.cases.unbuilt_rules import RULE_OF, UNBUILT

CASES = Path(__file__).parent.parent / "cases"


def test_every_case_of_an_unbuilt_rule_exists_and_names_its_rule() -> None:
    rules = {case.name: case.rules for case in read_cases(CASES, CASES)}
    listed = [name for names in UNBUILT.values() for name in names]
    assert len(listed) == len(set(listed))
    assert {name: rules.get(name) for name in listed if RULE_OF[name] not in rules.get(name, ())} == {}


def test_every_case_names_the_rule_that_it_shows() -> None:
    assert [case.name for case in read_cases(CASES, CASES) if not case.rules] == []


def test_every_operation_is_part_of_the_format() -> None:
    assert OPERATIONS.keys() <= OPERATION_KEYS.keys()


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("[{case: a, rules: Q1}]", "rules"),
        ("[{case: a, steps: [{bok: {order: W1}}]}]", "bok"),
        ("[{case: a, steps: [{book: {order: W1, goods: 1}}]}]", "goods"),
        ("[{case: a, steps: [{retry: {}, expect: {balance: {}}}]}]", "balance"),
        ("[{case: a, change: {structures: {FRAME: [{line: 10, wast: 4}]}}}]", "wast"),
        ("[{case: a, change: {items: [{code: LUG, costs: 4}]}}]", "costs"),
        ("[{case: a, stock: {LUG@MAIN/RAW: {qty: 1, lot: A}}}]", "lot"),
    ],
)
def test_a_misspelt_word_of_a_case_is_an_error(tmp_path: Path, text: str, unknown: str) -> None:
    file = tmp_path / "misspelt.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"unknown {unknown};"):
        list(read_cases(file, CASES))

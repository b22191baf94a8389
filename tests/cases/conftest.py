"""Parametrize tests over the project's own worked cases, or another file or folder of cases (`--cases PATH`)."""

from pathlib import Path
from typing import Any

import pytest

from tests.cases.adapter import NOT_YET
from tests.cases.reading import Case, read_cases
from tests.cases.unbuilt_rules import RULE_OF

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", default=None, help="run the cases of this file or folder instead of the project's own")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        # With plain `pytest` this file is imported too late to add an option.
        given = metafunc.config.getoption("--cases", None)
        path = Path(given).resolve() if given else HERE
        metafunc.parametrize("case", [_parameter(case) for case in read_cases(path, HERE)])


def _parameter(case: Case) -> Any:
    """Return a test parameter. The case of an unbuilt rule must fail: once it passes, it comes off the list."""
    marks = []
    if case.name in RULE_OF:
        reason = f"{RULE_OF[case.name]} is not built yet"
        marks.append(pytest.mark.xfail(reason=reason, raises=NOT_YET, strict=True))
    return pytest.param(case, id=f"{case.file}: {case.name}", marks=marks)

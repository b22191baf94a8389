"""Which cases are run: the project's own, or another file or folder of the same format (`--cases PATH`)."""

from pathlib import Path
from typing import Any

import pytest

from tests.cases.reading import read_cases

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", default=None, help="run the cases of this file or folder instead of the project's own")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        # Under plain `pytest` this file is read too late to add an option; then there is none.
        given = metafunc.config.getoption("--cases", None)
        path = Path(given).resolve() if given else HERE
        cases: list[Any] = [pytest.param(case, id=f"{case.file}: {case.name}") for case in read_cases(path, HERE)]
        metafunc.parametrize("case", cases)

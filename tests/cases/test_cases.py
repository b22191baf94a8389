"""Run the worked cases on both databases, booking one by one and once more as a stream."""

import pytest

from tests.cases.adapter import BulkWorld, World
from tests.cases.reading import Case
from tests.databases import Database


@pytest.mark.parametrize("made", [World, BulkWorld], ids=["one by one", "in bulk"])
def test_case(case: Case, database: Database, made: type[World]) -> None:
    world = made(case)
    for step in case.steps:
        world.do(step)
    world.check(case.expect)

"""The worked examples of the specification, each on both databases."""

from tests.cases.adapter import World
from tests.cases.reading import Case
from tests.databases import Database


def test_case(case: Case, database: Database) -> None:
    world = World(case)
    for step in case.steps:
        world.do(step)
    world.check(case.expect)

"""The tests that docs/security.md names are there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`tests/([\w/.]+)(?:::(\w+))?`", PAGE)
    assert len(named) > 40
    for path, name in named:
        assert (TESTS / path).exists(), path
        if name:
            assert f"def {name}(" in (TESTS / path).read_text(encoding="utf-8"), name

"""Large text gets the layout of a small screen, so nothing is cut off and nothing scrolls sideways.

That holds where widths are measured in letters: a browser's text size changes em and rem, never px.
"""

import re
from pathlib import Path

import backflush.web

STYLES = (Path(backflush.web.__file__).parent / "static" / "app" / "app.css").read_text(encoding="utf-8")
SCRIPT = (Path(backflush.web.__file__).parent / "static" / "app" / "app.js").read_text(encoding="utf-8")
PICTURES = (".map ", ".range ")


def test_layouts_change_by_the_size_of_letters() -> None:
    assert [one for one in re.findall(r"@media[^{]*{", STYLES) if "px" in one] == []
    assert [one for one in re.findall(r"matchMedia\([^)]*\)", SCRIPT) if "px" in one] == []


def test_letters_grow_with_the_browsers_text_size() -> None:
    fixed = [rule for rule in STYLES.splitlines() if re.search(r"font-size: \d+(\.\d+)?px", rule)]
    assert [rule for rule in fixed if not rule.startswith(PICTURES)] == []

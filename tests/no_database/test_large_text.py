"""Check that large text gets the layout of a small screen, so nothing is cut off and nothing scrolls sideways.

That works if widths are measured in letters: a browser's text size changes em and rem, never px.
"""

import re
from pathlib import Path

import backflush.web

WEB = Path(backflush.web.__file__).parent
STYLES = {
    file.relative_to(WEB / "display" / "styles"): file.read_text(encoding="utf-8")
    for file in WEB.glob("display/styles/**/*.css")
}
SCRIPTS = "\n".join(file.read_text(encoding="utf-8") for file in WEB.glob("static/app/*.js"))
PICTURE = Path("pages/stock-map.css")
"""The letters in the picture of the stock map grow with the picture."""


def test_layouts_change_by_the_size_of_letters() -> None:
    assert STYLES
    conditions = re.findall(r"@media[^{]*{", "\n".join(STYLES.values())) + re.findall(r"matchMedia\([^)]*\)", SCRIPTS)
    assert conditions
    assert [condition for condition in conditions if "px" in condition] == []


def test_letters_grow_with_the_browsers_text_size() -> None:
    fixed = {str(file): re.findall(r"font-size: \d+(?:\.\d+)?px", text) for file, text in STYLES.items()}
    assert {file: sizes for file, sizes in fixed.items() if sizes and Path(file) != PICTURE} == {}

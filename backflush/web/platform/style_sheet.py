"""The style sheet of the pages, combined from the files in `web/display/styles`: one file is one request.

It imports no Django, because `setup.py` runs it to compare the style sheet in a wheel with its sources.
"""

import re
from pathlib import Path
from typing import Final

WEB: Final = Path(__file__).parent.parent
STYLES: Final = WEB / "display" / "styles"
STYLE_SHEET: Final = WEB / "static" / "built" / "app.css"
_IMPORT: Final = re.compile(r'@import url\("([^"]+)"\) layer\(([\w-]+)\);\n')


def combined_style_sheet() -> str:
    """Return `styles/app.css` with each import replaced by the imported rules, in the same layer."""

    def layer_of(found: re.Match[str]) -> str:
        file, layer = found.groups()
        return f"@layer {layer} {{\n{(STYLES / file).read_text(encoding='utf-8')}}}\n"

    return _IMPORT.sub(layer_of, (STYLES / "app.css").read_text(encoding="utf-8"))


def is_up_to_date() -> bool:
    """Tell whether the combined style sheet is there and has the rules of its sources."""
    return STYLE_SHEET.is_file() and STYLE_SHEET.read_text(encoding="utf-8") == combined_style_sheet()


def write_style_sheet() -> None:
    """Write the combined style sheet if it isn't up to date: an installed package may be read-only."""
    if not is_up_to_date():
        STYLE_SHEET.parent.mkdir(exist_ok=True)
        STYLE_SHEET.write_text(combined_style_sheet(), encoding="utf-8")

"""The scripts of the pages: each is checked, and each import asks for a file under its hashed name."""

import json
import re
from pathlib import Path
from typing import Final

from django.conf import settings
from django.urls import reverse

from tests.cast import Plant
from tests.doors.web.visitors import browser, text_of

SERVED: Final = Path(settings.STATIC_ROOT)
SCRIPTS: Final = Path(settings.STATIC_ROOT).parent / "static" / "app"
IMPORT: Final = re.compile(r'^(?:import|\} from)\b[^"\n]*"([^"]+)";|\bimport\("([^"]+)"\)', re.MULTILINE)
HASHED: Final = re.compile(r"\.[0-9a-f]{12}\.js$")


def hashed_name(script: Path) -> str:
    names: dict[str, str] = json.loads((SERVED / "staticfiles.json").read_text(encoding="utf-8"))["paths"]
    return names[f"app/{script.name}"]


def test_every_script_is_checked_by_the_type_checker() -> None:
    unchecked = [one.name for one in SCRIPTS.glob("*.js") if not one.read_text("utf-8").startswith("// @ts-check\n")]
    assert unchecked == []


def test_every_import_asks_for_a_file_under_its_hashed_name() -> None:
    """Without the hash a browser could mix the scripts of two versions."""
    imported = []
    for script in SCRIPTS.glob("*.js"):
        served = SERVED / hashed_name(script)
        for names in IMPORT.findall(served.read_text(encoding="utf-8")):
            target = served.parent / "".join(names)
            assert HASHED.search(target.name), f"{script.name} imports {target.name}"
            assert target.resolve().is_file(), f"{script.name} imports {target.name}"
            imported.append(target.name.split(".")[0])
    assert {"dom", "messages", "dagre", "echarts"} <= set(imported)


def test_a_page_asks_for_its_script_as_a_module_and_for_the_theme_before_it_is_drawn(plant: Plant) -> None:
    text = text_of(browser().get(reverse("log-in")))
    assert f'<script type="module" src="/static/{hashed_name(SCRIPTS / "main.js")}"></script>' in text
    assert f'<script src="/static/{hashed_name(SCRIPTS / "theme.js")}"></script>' in text

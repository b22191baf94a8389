"""Refuse to build a wheel that lacks its front end. The rest of the build is configured in pyproject.toml.

Git holds none of these: vendored packages, the combined style sheet, static files under their hashed names. `make
setup` makes them. Without them a wheel would install cleanly and then serve pages without style or scripts.
An editable install is not checked, because `make setup` makes one before it makes these files.
"""

import filecmp
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

PACKAGE = Path(__file__).parent / "backflush"
WEB = PACKAGE / "web"
STATIC, SERVED = WEB / "static", WEB / "served"
STATIC_TAG = re.compile(r"""\{%\s*static\s+["']([^"']+)["']""")


def unbuilt_files() -> Iterator[Path]:
    """Name each file of the front end that is missing or older than its source."""
    yield from unbuilt_sources()
    yield from unserved_files()


def unbuilt_sources() -> Iterator[Path]:
    """Name each static file that a template asks for and that isn't there, and the style sheet if it is out of date."""
    for template in sorted((WEB / "templates").rglob("*.html")):
        for name in STATIC_TAG.findall(template.read_text(encoding="utf-8")):
            if not (STATIC / name).is_file():
                yield STATIC / name
    if not runpy.run_path(str(WEB / "platform" / "style_sheet.py"))["is_up_to_date"]():
        yield STATIC / "built" / "app.css"


def unserved_files() -> Iterator[Path]:
    """Name each static file whose served copy, plain or under its hashed name, is missing or differs."""
    manifest = SERVED / "staticfiles.json"
    hashed_names = json.loads(manifest.read_text(encoding="utf-8"))["paths"] if manifest.is_file() else {}
    for source in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        name = source.relative_to(STATIC).as_posix()
        copy = SERVED / name
        if not copy.is_file() or not filecmp.cmp(source, copy, shallow=False):
            yield copy
        elif not (SERVED / hashed_names.get(name, "not in the manifest")).is_file():
            yield SERVED / hashed_names.get(name, name)


class BuildWithFrontEnd(build_py):
    """The build step that copies the package into the wheel, after checking that the front end is complete."""

    def run(self) -> None:
        """Stop with one sentence if a file of the front end is missing or out of date."""
        unbuilt = sorted({path.relative_to(PACKAGE.parent).as_posix() for path in unbuilt_files()})
        if unbuilt and not self.editable_mode:
            others = f" and {len(unbuilt) - 1} other files are" if len(unbuilt) > 1 else " is"
            raise SetupError(
                f"this wheel would have no complete front end: {unbuilt[0]}{others} missing or out of date. "
                "Run `make setup` (it needs Node 20 or later), then build the wheel again."
            )
        super().run()


setup(cmdclass={"build_py": BuildWithFrontEnd})

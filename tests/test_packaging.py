"""The wheel: complete with its front end, or refused at build; and the version stated once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

from backflush import __version__
from backflush.api.endpoints import api
from backflush.web.platform.static_files import gather

REPOSITORY: Final = Path(__file__).parent.parent
SOURCES: Final = ("backflush", "pyproject.toml", "setup.py", "README.md", "LICENSE")
GIT_HAS_NOT: Final = (
    "web/static/vendor",
    "web/static/built",
    "web/served",
)
"""The files below `backflush` that `make setup` creates."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the sources with an up-to-date front end."""
    gather()
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


def build(checkout: Path, hook: str) -> subprocess.CompletedProcess[str]:
    """Call a hook of the build backend as pip does: in the checkout, without it on the path."""
    code = f"from setuptools import build_meta; print(build_meta.{hook}('dist'))"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    (checkout / "dist").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.mark.parametrize("missing", GIT_HAS_NOT)
def test_a_wheel_without_a_part_of_its_front_end_is_refused(checkout: Path, missing: str) -> None:
    remove(checkout / "backflush" / missing)
    done = build(checkout, "build_wheel")
    assert done.returncode == 1
    assert f"this wheel would have no complete front end: backflush/{missing}" in done.stderr
    assert "Run `make setup`" in done.stderr
    assert not list((checkout / "dist").iterdir())


@pytest.mark.parametrize(
    ("source", "named"),
    [("web/static/app/main.js", "web/served/app/main.js"), ("web/display/styles/base.css", "web/static/built/app.css")],
)
def test_a_wheel_with_an_outdated_front_end_is_refused(checkout: Path, source: str, named: str) -> None:
    with (checkout / "backflush" / source).open("a") as changed:
        changed.write("/* changed after the last `make setup` */\n")
    done = build(checkout, "build_wheel")
    assert done.returncode == 1
    assert f"backflush/{named} is missing or out of date" in done.stderr


def test_a_wheel_has_its_front_end_its_types_and_its_version(checkout: Path) -> None:
    done = build(checkout, "build_wheel")
    assert done.returncode == 0, done.stderr
    (wheel,) = (checkout / "dist").glob(f"backflush-{__version__}-*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("backflush/web/served/staticfiles.json"))
    for name in ("py.typed", "web/static/vendor/icons.svg"):
        assert f"backflush/{name}" in names
    assert {f"backflush/web/served/{hashed}" for hashed in manifest["paths"].values()} <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_an_editable_install_needs_no_front_end(checkout: Path) -> None:
    for path in GIT_HAS_NOT:
        remove(checkout / "backflush" / path)
    done = build(checkout, "build_editable")
    assert done.returncode == 0, done.stderr


def test_the_description_of_the_api_states_the_version() -> None:
    assert api.get_openapi_schema(path_prefix="/")["info"]["version"] == __version__

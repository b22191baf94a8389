"""The style sheet: every class on a page has a style, and every style is used."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import backflush

PACKAGE: Final = Path(backflush.__file__).parent
STYLES: Final = PACKAGE / "web" / "display" / "styles"
SCRIPTS: Final = PACKAGE / "web" / "static" / "app"
SET_BY_HTMX: Final = frozenset({"htmx-request"})
HOOKS: Final = frozenset({"map-place", "map-link"})
"""Classes that only scripts and tests look for."""

OPEN: Final = "\0"
"""Stands for the rest of a name that is known only when the page is made, as in `tree-level-{{ level }}`."""
ATTRIBUTE: Final = re.compile(r'(?<![\w-])class="((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"', re.DOTALL)
TEMPLATE_TAG: Final = re.compile(r"\{%.*?%\}", re.DOTALL)
VALUE: Final = re.compile(r"\$?\{\{?.*?\}?\}", re.DOTALL)
CLASSES_IN_SCRIPT: Final = re.compile(r"""(?:className = |classList\.\w+\(|\bclass: )(["`])(.*?)\1""", re.DOTALL)
NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-?")


def classes_in(attribute: str) -> set[str]:
    """Return the names in a class attribute, without the logic of the template around them."""
    return set(VALUE.sub(OPEN, TEMPLATE_TAG.sub(" ", attribute)).split()) - {OPEN}


def attributes() -> Iterator[str]:
    """Return every class attribute in templates, Python and scripts."""
    for path in PACKAGE.rglob("*.html"):
        yield from (found[1] for found in ATTRIBUTE.finditer(path.read_text(encoding="utf-8")))
    for literal in python_strings():
        yield from (found[1] for found in ATTRIBUTE.finditer(literal))
    for script in SCRIPTS.glob("*.js"):
        yield from (found[2] for found in CLASSES_IN_SCRIPT.finditer(script.read_text(encoding="utf-8")))


def python_strings() -> Iterator[str]:
    for path in (PACKAGE / "web").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def named() -> set[str]:
    return {name for attribute in attributes() for name in classes_in(attribute)}


def mentioned() -> set[str]:
    """Return the names in class attributes, and the words with a dash in strings of Python and in scripts."""
    strings = [*python_strings(), *(script.read_text(encoding="utf-8") for script in SCRIPTS.glob("*.js"))]
    return named() | {word for string in strings for word in NAME.findall(string) if "-" in word}


def drawn() -> set[str]:
    """Return the classes in the selectors of the style sheet."""
    found: set[str] = set()
    for path in STYLES.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/|url\(.*?\)", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        selectors = re.findall(r"[^{};]+(?=\{)", text)
        found |= {name for selector in selectors for name in re.findall(r"\.([A-Za-z][\w-]*)", selector)}
    return found


def is_among(name: str, names: Iterable[str]) -> bool:
    return name in names or (OPEN in name and any(one.startswith(name.split(OPEN)[0]) for one in names))


def test_every_class_of_a_page_has_a_style() -> None:
    known = drawn() | HOOKS
    assert sorted(name for name in named() if not is_among(name, known)) == []


def test_every_style_is_used_by_a_page() -> None:
    names = mentioned() | SET_BY_HTMX
    beginnings = tuple(name.split(OPEN)[0] for name in names if OPEN in name)
    assert sorted(name for name in drawn() - names if not name.startswith(beginnings)) == []


def test_every_class_name_is_made_of_whole_words() -> None:
    assert sorted(name for name in drawn() if not NAME.fullmatch(name) or len(name) < len("chip")) == []

"""The names of the code: modules are nouns, a class name exists once, and folders stay small."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import backflush

PACKAGE: Final = Path(backflush.__file__).parent
WEB: Final = PACKAGE / "web"
ENTRIES_MAX: Final = 16
"""The number of entries that a reader can scan at a glance."""

NOUNS: Final = {
    "backflushing", "binding", "booking", "bookings", "costing", "finding", "findings", "handling", "ordering",
    "opening", "posting", "postings", "purchasing", "setting", "settings", "string", "strings", "thing",
}  # fmt: skip
"""Words that end like a participle but are nouns of the trade or of English."""

BUILT: Final = {"__pycache__", "served", "vendor"}
"""Folders that are created by set-up or at run time and aren't in the repository."""

OLD_WORDS: Final = {
    "consignment", "consigning", "crossing", "errand", "errands", "happening", "happenings", "pot", "pots", "reckoning",
    "tally", "uneven", "uzlet", "uzlets",
}  # fmt: skip
"""Home-made words that the code used where the trade has standard ones: see docs/glossary.md."""


def _modules() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in path.parts and not BUILT & set(path.parts):
            yield path


def _named(path: Path) -> str:
    return path.parent.name if path.name == "__init__.py" else path.stem


def test_modules_are_nouns() -> None:
    participles = {
        str(path.relative_to(PACKAGE))
        for path in _modules()
        for word in _named(path).split("_")
        if word.endswith("ing") and word not in NOUNS
    }
    assert not participles


def test_there_is_no_module_of_odds_and_ends() -> None:
    assert not {_named(path) for path in _modules()} & {"common", "helpers", "misc", "util", "utils"}


def test_a_class_name_exists_once() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name != "Meta":
                where[node.name].append(str(path.relative_to(PACKAGE)))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_identifiers_use_the_words_of_the_trade() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _identifiers(node):
                words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
                for word in OLD_WORDS & {word.lower() for word in words}:
                    found[word].add(f"{path.relative_to(PACKAGE)}: {name}")
    assert dict(found) == {}


def _identifiers(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
            yield name
        case ast.Name(id=name):
            yield name


def test_the_pages_have_few_folders_and_templates_have_the_same() -> None:
    entries = {path.name for path in WEB.iterdir()} - BUILT
    assert len(entries) <= ENTRIES_MAX, sorted(entries)
    folders = {path.name for path in WEB.iterdir() if (path / "__init__.py").exists()}
    templates = {path.name for path in (WEB / "templates" / "web").iterdir()}
    assert templates <= folders, sorted(templates - folders)


GETTEXT: Final = {"gettext": "_", "gettext_lazy": "lazy", "gettext_noop": "marked"}
"""Translated at once; translated when shown; marked here and translated by another module."""


def test_each_way_to_translate_has_one_name() -> None:
    wrong = []
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                wrong += [
                    f"{file.relative_to(PACKAGE)} names {one.name} {one.asname or one.name}"
                    for one in node.names
                    if one.name in GETTEXT and one.asname != GETTEXT[one.name]
                ]
    assert wrong == []

"""Check that the documents agree with the code: rule codes, module paths, worked cases, words and links."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.cases.reading import Case, read_cases
from tests.cases.unbuilt_rules import UNBUILT

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CASES = ROOT / "tests" / "cases"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), CASES / "README.md"])

CODE = r"(?:[A-Z][0-9]+[a-z]?|[CIPWY])"
HEADING = re.compile(r"^### (\S+)(?: .*)?$")
NOT_BUILT = re.compile(rf"^\| ({CODE}) \| ")
CASE = re.compile(r"^- Case: \[(\w+)\]\(\.\./tests/cases/(\w+)\.yaml\) “(.+)”$")
TEST = re.compile(r"^- Test: `(tests/[\w/]+\.py)(?:::(\w+))?`$")
MODULE = re.compile(r"`(backflush/[\w/]+\.py)`")
LINK = re.compile(r"(?<!\!)\[[^\]]+\]\(([^)\s]+)\)")
CITED = re.compile(rf"\(((?:{CODE})(?:(?:, | to | and ){CODE})*)\)")


def rules() -> dict[str, list[str]]:
    """Return the lines of each built rule in docs/rules.md, by its code."""
    text = (DOCS / "rules.md").read_text(encoding="utf-8").split("\n## Not built yet")[0]
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        heading = HEADING.match(line)
        if heading:
            assert heading[1] not in found, f"{heading[1]} is in docs/rules.md twice"
            found[heading[1]] = []
        elif found:
            found[list(found)[-1]].append(line)
    return found


def not_built() -> set[str]:
    """Return the codes in the table of rules that are not built yet."""
    text = (DOCS / "rules.md").read_text(encoding="utf-8").split("\n## Not built yet")[1]
    return {match[1] for match in map(NOT_BUILT.match, text.splitlines()) if match}


@cache
def worked_cases() -> list[Case]:
    """Return all worked cases of the project."""
    return list(read_cases(CASES, CASES))


RULES = rules()
PENDING_CODES = not_built()


def cited(source: str) -> Iterator[str]:
    """Yield the rule codes in the comments and docstrings of a module, such as (Q3) or (S2 to S6, W)."""
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    strings = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    for text in (*comments, *(value for value in strings if isinstance(value, str))):
        for match in CITED.finditer(text):
            yield from re.findall(CODE, match[1])


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('"""Round once (Q1)."""', ["Q1"]),
        ('"""Explode (S2 to S6, W)."""', ["S2", "S6", "W"]),
        ("x = 1  # whole (C1a)", ["C1a"]),
        ('"""A sheet of A4, a phantom (class P)."""', []),
    ],
)
def test_codes_are_found_in_comments_and_docstrings(text: str, codes: list[str]) -> None:
    assert list(cited(text)) == codes


def test_every_code_that_the_program_cites_is_a_built_rule() -> None:
    unknown = {
        f"{file.relative_to(ROOT)}: {code}"
        for file in (ROOT / "backflush").rglob("*.py")
        for code in cited(file.read_text(encoding="utf-8"))
        if code not in RULES
    }
    assert unknown == set()


@pytest.mark.parametrize("code", RULES)
def test_each_rule_names_existing_modules_and_a_case_or_test_that_shows_it(code: str) -> None:
    lines = RULES[code]
    modules = [path for line in lines if line.startswith("- Code: ") for path in MODULE.findall(line)]
    assert modules, f"{code} names no module"
    assert [path for path in modules if not (ROOT / path).is_file()] == []
    known = {(case.file, case.name) for case in worked_cases()}
    cases = [match for match in map(CASE.match, lines) if match]
    assert [match[0] for match in cases if match[1] != match[2] or (match[1], match[3]) not in known] == []
    tests = [match for match in map(TEST.match, lines) if match]
    assert [match[0] for match in tests if not is_test(match[1], match[2])] == []
    assert cases or tests, f"{code} has no worked case and no test"
    shown = [line for line in lines if line.startswith(("- Case:", "- Test:"))]
    assert len(shown) == len(cases) + len(tests), "a case or test isn't written in the usual way"


def is_test(path: str, name: str | None) -> bool:
    """Return whether a test file exists and, if a test is named, has it."""
    file = ROOT / path
    return file.is_file() and (name is None or f"\ndef {name}(" in file.read_text(encoding="utf-8"))


def test_each_test_named_for_the_pages_exists() -> None:
    lines = (DOCS / "ux.md").read_text(encoding="utf-8").splitlines()
    named = [match for match in map(TEST.match, lines) if match]
    assert len(named) == sum(line.startswith("- Test:") for line in lines)
    assert [match[0] for match in named if not is_test(match[1], match[2])] == []


def test_no_listed_case_shows_a_built_rule() -> None:
    shown = {match[3] for lines in RULES.values() for match in map(CASE.match, lines) if match}
    assert shown & {name for names in UNBUILT.values() for name in names} == set()


def test_every_case_shows_a_rule_of_the_document() -> None:
    # The first cases cite the rules I and W as I1 and W1.
    named = {code for case in worked_cases() for code in case.rules} - {"I1", "W1"}
    assert named - RULES.keys() - PENDING_CODES == set()


def test_every_unbuilt_rule_is_in_the_table_of_rules_to_come() -> None:
    assert UNBUILT.keys() - PENDING_CODES == set()


def slug(heading: str) -> str:
    """Return the anchor that a Markdown heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(file: Path) -> set[str]:
    """Return the anchors of a document's headings."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return {slug(line.lstrip("#").strip()) for line in lines if line.startswith("#")}


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_relative_link_is_broken(file: Path) -> None:
    broken = []
    for target in LINK.findall(file.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (file.parent / path).resolve() if path else file
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


def test_each_file_that_contributing_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:backflush|tests|docs|tools|\.ci)/[\w/.]*)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def words() -> list[list[str]]:
    """Return the rows of the glossary's table, cell by cell."""
    lines = (DOCS / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in rows[1:] if not row[0].startswith("-")]


@cache
def defined(file: Path) -> frozenset[str]:
    """Return the names of classes, functions, fields and constants in a module."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)


@cache
def names() -> frozenset[str]:
    """Return the names of modules, and of everything defined in them."""
    files = list((ROOT / "backflush").rglob("*.py"))
    return frozenset(name for file in files for name in (file.stem, file.parent.name, *defined(file)))


def test_the_glossary_is_in_order_and_each_word_has_all_its_cells() -> None:
    rows = words()
    assert [row[0] for row in rows if len(row) != 5 or not all(row)] == []
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), key=str.lower)


def test_each_name_of_the_glossary_is_in_the_code() -> None:
    cells = {row[0]: re.findall(r"`(\w+)`", row[1]) for row in words()}
    assert [word for word, cited_names in cells.items() if not cited_names] == []
    known = names()
    assert {word: name for word, cited_names in cells.items() for name in cited_names if name not in known} == {}


ROOMS = sorted((ROOT / "backflush").glob("*/__init__.py"))


@pytest.mark.parametrize("file", ROOMS, ids=lambda file: file.parent.name)
def test_a_package_introduces_itself_with_names_that_exist(file: Path) -> None:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    assert text, f"{file.parent.name} has no docstring"
    listed = [name for line in text.splitlines() if line.startswith("- ") for name in re.findall(r"`(\w+)`", line)]
    modules = {path.stem for path in file.parent.iterdir()}
    assert [name for name in listed if name not in modules | names()] == []


DOTTED = re.compile(r"`([a-z_]+(?:\.\w+)+)`")


def resolves(dotted: str) -> bool:
    """Return whether a name such as `ledger.posting.post` is a module of the program, or a name in one."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        path = (ROOT / "backflush").joinpath(*parts[:cut])
        file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        if file.is_file():
            return set(parts[cut:]) <= defined(file)
    return False


@pytest.mark.parametrize(
    "file", [DOCS / "flow.md", *sorted((DOCS / "decisions").glob("*.md"))], ids=lambda file: file.name
)
def test_each_dotted_name_is_in_the_program(file: Path) -> None:
    dotted = [
        name
        for name in DOTTED.findall(file.read_text(encoding="utf-8"))
        if (ROOT / "backflush" / name.split(".")[0]).is_dir()
    ]
    assert [name for name in dotted if not resolves(name)] == []


def test_every_package_is_in_the_table_of_packages() -> None:
    text = (DOCS / "flow.md").read_text(encoding="utf-8").split("## Where things are")[1]
    table = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    assert [room.parent.name for room in ROOMS if f"`{room.parent.name}`" not in table.replace("backflush/", "")] == []


FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|sql|html|js|css|mjs|yaml|toml))`")


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_each_file_that_is_named_exists(file: Path) -> None:
    named = FILE.findall(file.read_text(encoding="utf-8"))
    places = (ROOT, ROOT / "backflush", ROOT / "backflush" / "web" / "templates")
    assert [name for name in named if not any((place / name).is_file() for place in places)] == []

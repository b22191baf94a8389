"""The statements in the `.sql` files: both databases take them as they stand, and they fit the models."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

import backflush
from backflush.archives import selection
from backflush.db.checks import all_texts, faults_of
from backflush.db.sql_files import DATABASES, SqlText, texts_in
from tests.databases import Database

TEXTS = dict(all_texts())
PACKAGE = Path(backflush.__file__).parent
TABLES = {"shop_part": {"id": "bigint", "code": "text", "weight": "bigint", "color": "text"}}


@pytest.fixture(params=TEXTS)
def texts(request: pytest.FixtureRequest) -> dict[str, SqlText]:
    found: dict[str, SqlText] = TEXTS[request.param]
    return found


def test_a_statement_has_a_text_for_each_database(texts: dict[str, SqlText]) -> None:
    assert {*texts} == {*DATABASES}


def test_a_statement_says_what_it_does_and_why_it_is_by_hand(texts: dict[str, SqlText]) -> None:
    for sql in texts.values():
        what, _, why = sql.description.partition("By hand: ")
        assert re.fullmatch(r"[A-Z].*\.\s*", what, re.DOTALL), f"{sql.name} doesn't say what it does"
        assert why, f"{sql.name} doesn't say why it is by hand"


def test_every_parameter_has_an_example(texts: dict[str, SqlText]) -> None:
    for sql in texts.values():
        assert {*sql.examples} == {*sql.parameters}, sql.name


@pytest.mark.parametrize("name", TEXTS)
def test_the_database_takes_a_statement_as_it_is_pasted(database: Database, name: str) -> None:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    # Some statements of archives read temporary tables.
    selection.prepare()
    with connection.cursor() as cursor:
        if name in {"archives.create_archive_goes", "archives.create_archive_ties"}:
            cursor.execute(TEXTS[name][connection.vendor].text)
            return
        cursor.execute(f"{explain} {TEXTS[name][connection.vendor].with_examples()}")
        assert cursor.fetchall() or connection.vendor == "sqlite", "SQLite has no plan for a plain INSERT"


def test_sqlite_takes_the_parameters_by_name() -> None:
    """As its shell does, after `.parameter set :site_id 1`."""
    sql = TEXTS["ledger.change_balances"]["sqlite"]
    with sqlite3.connect(":memory:") as empty, pytest.raises(sqlite3.OperationalError, match="no such table"):
        empty.execute(sql.text, dict.fromkeys(sql.parameters))


def test_the_statements_fit_the_models() -> None:
    call_command("check", tags=["sql"], verbosity=0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("SELECT p.id, p.size FROM shop_part p", "shop_part has no column size."),
        ("INSERT INTO shop_part (code, weight) VALUES (1, 2)", "It leaves out the column color of shop_part."),
        ("INSERT INTO shop_part (code, weight, color, size) VALUES (1, 2, 3, 4)", "shop_part has no column size."),
        (
            "INSERT INTO shop_part (code, weight, color) VALUES (1, :weight::text[], 3)",
            "shop_part.weight is bigint, not text.",
        ),
        ("SELECT p.id FROM shop_part p WHERE p.code = 'p.size'", None),
    ],
)
def test_a_statement_that_does_not_fit_is_named(text: str, fault: str | None) -> None:
    assert [*faults_of(SqlText("some", "", text), TABLES)] == ([fault] if fault else [])


def named_in_python() -> Iterator[str]:
    for file in PACKAGE.rglob("*.py"):
        yield from re.findall(r'(?:SQL|Statements\("[\w.]+"\))\["(\w+)"\]', file.read_text(encoding="utf-8"))


def test_every_statement_is_used() -> None:
    assert {name.partition(".")[2] for name in TEXTS} == {*named_in_python()}


SQL_IN_PYTHON = {
    "archives/selection.py": "made from the references between the models",
    "archives/file_format.py": "made from the references between the models",
    "console/tour.py": "reads a file that may be of another version",
    "db/checks.py": "reads the statements of the files",
    "db/vendors.py": "administers the database",
    "operations/citus.py": "administers the database",
    "operations/copy_check.py": "reads a file that may be of another version",
    "operations/db_statistics.py": "administers the database",
    "operations/portable.py": "made from the models",
    "operations/upgrade.py": "administers the database",
}
"""The files that may have SQL (docs/decisions/0013), with the reason."""


def files_with(pattern: str) -> set[str]:
    """Return the files of the package, without migrations, in which a string or the name of an attribute matches."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        if "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else getattr(node, "attr", None)
            if isinstance(text, str) and re.match(pattern, text):
                found.add(file.relative_to(PACKAGE).as_posix())
    return found


def test_fixed_statements_are_in_files() -> None:
    assert files_with(r"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS) ") == {*SQL_IN_PYTHON}


def test_only_the_helpers_and_the_operations_ask_which_database_it_is() -> None:
    assert {file.partition("/")[0] for file in files_with("vendor$")} == {"db", "operations"}


FILE = """\
-- Of parts. --

-- one, other --
-- Read a part.
-- By hand: as an example.
-- Example: id = 1, codes = '{"a, b"}',
-- since = '2026-01-01'
SELECT p.weight % 10, ':no' -- of the part
FROM shop_part p
WHERE p.id = :id AND p.code = ANY(:codes::text[]) AND p.since > :since;

-- two --
-- Read nothing.
SELECT 1;
"""


def test_a_file_is_read_by_its_headings() -> None:
    one, other, two = texts_in(FILE)
    assert [sql.name for sql in (one, other, two)] == ["one", "other", "two"]
    assert one.text == other.text
    assert one.parameters == ("id", "codes", "since")
    assert one.arrays == {"codes": "text"}
    assert one.examples == {"id": "1", "codes": """'{"a, b"}'""", "since": "'2026-01-01'"}
    assert two.text == "SELECT 1"


def test_parameters_become_the_markers_of_the_driver() -> None:
    sql = next(texts_in(FILE))
    begin = "SELECT p.weight %% 10, ':no' FROM shop_part p WHERE p.id = "
    assert sql.for_psycopg(binary=True) == (
        f"{begin}%(id)s AND p.code = ANY(%(codes)b::text[]) AND p.since > %(since)s"
    )
    assert "ANY(%(codes)s::text[])" in sql.for_psycopg(binary=False)
    assert sql.for_sqlite().startswith("SELECT p.weight % 10, ':no' FROM shop_part p WHERE p.id = ?1 AND")
    assert "ANY('{\"a, b\"}'::text[])" in sql.with_examples()

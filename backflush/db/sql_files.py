"""SQL statements in files, one file for a subject, in the folder `sql/` of a room.

    ledger/sql/balances.postgresql.sql    as PostgreSQL takes them
    ledger/sql/balances.sqlite.sql        as SQLite takes them
    ledger/sql/archives.sql               where both take the same text

Each statement has a heading with its name, a sentence that says what it does, the reason why it isn't left to the ORM,
and example values:

    -- read_balances --
    -- Read some balances without locking them.
    -- By hand: a list of keys of five columns each is no filter of the ORM.
    -- Example: site_id = 1, item_id = '{7, 8}', ...
    SELECT ... WHERE site_id = :site_id;

A heading may name two statements (`-- orders, lock_orders --`) where one text does for both. Parameters are written
`:name`, as the shells of both databases take them: `\\set site_id 1` in psql, `.parameter set :site_id 1` in sqlite3.
`tools/sql.py` prints a statement with its example values filled in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Final

DATABASES: Final = ("postgresql", "sqlite")

_HEADING: Final = re.compile(r"^-- ([a-z0-9_, ]+) --\n((?:--.*\n)+)", re.MULTILINE)
_EXAMPLE: Final = re.compile(r"(\w+) = ('(?:[^']|'')*'|[^\s,]+)")
_TOKEN: Final = re.compile(
    r"(?P<text>'(?:[^']|'')*')|(?P<space>(?:\s|--[^\n]*)+)|(?P<cast>::\w+)|(?P<percent>%)"
    r"|:(?P<name>[a-z]\w*)(?:::(?P<type>[a-z]+)(?P<array>\[\])?)?"
)
_SELECT: Final = re.compile(r"SELECT\s+(.*?)\s+FROM\s", re.DOTALL)
_COMMA: Final = re.compile(r",\s*(?![^(]*\))")
_JSON_COLUMN: Final = re.compile(r"value ->> (\d+) AS (\w+)")


@dataclass(frozen=True)
class SqlText:
    """One statement as the file of one database has it."""

    name: str
    description: str
    text: str

    @cached_property
    def examples(self) -> dict[str, str]:
        """The example values: SQL literals by parameter."""
        _, _, examples = self.description.replace("\n", " ").partition("Example: ")
        return dict(_EXAMPLE.findall(examples))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters, each once, in the order in which they are named first."""
        return tuple(dict.fromkeys(found["name"] for found in _TOKEN.finditer(self.text) if found["name"]))

    @cached_property
    def arrays(self) -> dict[str, str]:
        """The parameters that PostgreSQL takes as arrays, with the type of their elements."""
        return {found["name"]: found["type"] for found in _TOKEN.finditer(self.text) if found["array"]}

    @cached_property
    def results(self) -> list[tuple[str, str]]:
        """The columns of a SELECT: for each the alias of its table, if it has one, and its name."""
        found = _SELECT.match(self.text)
        assert found is not None, f"{self.name} doesn't begin with SELECT"
        columns = (one.partition(" AS ")[::2] for one in _COMMA.split(found[1]))
        return [("", name) if name else (*column.strip().split("."),) for column, name in columns]

    @cached_property
    def json_columns(self) -> tuple[str, ...]:
        """The columns of the rows that SQLite takes as JSON (`:rows`), in order; none where it takes no rows."""
        found = _JSON_COLUMN.findall(self.text) if "rows" in self.parameters else []
        assert [int(place) for place, _ in found] == [*range(len(found))], f"{self.name} leaves out a column of :rows"
        return tuple(name for _, name in found)

    def for_psycopg(self, *, binary: bool) -> str:
        """The text in one line, with psycopg's markers. Arrays go in binary form where it binds on the server."""
        return _TOKEN.sub(lambda found: _psycopg_marker(found, binary=binary), self.text)

    def for_sqlite(self) -> str:
        """The text in one line, with a number for each parameter."""
        numbers = {name: f"?{number}" for number, name in enumerate(self.parameters, 1)}
        return _TOKEN.sub(lambda found: numbers[found["name"]] if found["name"] else _in_one_line(found), self.text)

    def with_examples(self) -> str:
        """The text with its example values, as one pastes it into a shell."""
        return _TOKEN.sub(
            lambda found: (
                self.examples[found["name"]] + found[0].removeprefix(f":{found['name']}") if found["name"] else found[0]
            ),
            self.text,
        )


def _in_one_line(found: re.Match[str]) -> str:
    return " " if found["space"] else found[0]


def _psycopg_marker(found: re.Match[str], *, binary: bool) -> str:
    if found["percent"]:
        return "%%"
    if not found["name"]:
        return _in_one_line(found).replace("%", "%%")
    how = "b" if binary and found["array"] else "s"
    return f"%({found['name']}){how}{found[0].removeprefix(':' + found['name'])}"


def texts_in(content: str) -> Iterator[SqlText]:
    """Read the statements of one file."""
    _, *parts = _HEADING.split(content)
    for names, comment, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        description = "\n".join(line.removeprefix("--").strip() for line in comment.splitlines())
        for name in names.split(", "):
            yield SqlText(name, description, text.strip().removesuffix(";"))


def texts_of(package: str) -> dict[str, dict[str, SqlText]]:
    """Read the statements of a room: by name, then by database."""
    found: dict[str, dict[str, SqlText]] = {}
    for file in sorted(files(package).joinpath("sql").iterdir(), key=lambda one: one.name):
        _subject, *database, _ending = file.name.split(".")
        for sql in texts_in(file.read_text(encoding="utf-8")):
            for vendor in database or DATABASES:
                texts = found.setdefault(sql.name, {})
                assert vendor not in texts, f"{package} has two statements {sql.name} for {vendor}"
                texts[vendor] = sql
    return found

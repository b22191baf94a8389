"""The check at start that the `.sql` files name the columns that the models have, with the types that these have.

It reads the texts alone and asks no database: `python -m backflush.config.manage check --tag sql` runs it, and so does
each server process before it answers (`web/platform/preload.py`).
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.db.models import Field, ForeignKey, Model

from backflush.db.queries import READS
from backflush.db.sql_files import SqlText, texts_of

TAG: Final = "sql"
HOUSE: Final = "backflush"

_INSERT: Final = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)")
_TABLE: Final = re.compile(
    r"\b(?:FROM|JOIN|UPDATE|INTO) (\w+)(?: (?:AS )?(?!WHERE|SET|JOIN|ON|LEFT|CROSS|ORDER|GROUP)(\w+))?"
)
_COLUMN: Final = re.compile(r"\b([a-z]\w*)\.([a-z]\w*)\b")
_LEFT_OUT: Final = re.compile(r"Left to the database: ([\w, ]+)")
_STRING: Final = re.compile(r"'(?:[^']|'')*'")
_TYPES: Final = {
    "BigAutoField": "bigint",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "CharField": "text",
    "DateField": "date",
    "DateTimeField": "timestamptz",
    "IntegerField": "integer",
    "JSONField": "jsonb",
    "PositiveIntegerField": "integer",
    "SmallIntegerField": "smallint",
    "TextField": "text",
}


def all_texts() -> Iterator[tuple[str, dict[str, SqlText]]]:
    """Yield every statement of every room, as `room.name`, with its text for each database."""
    for room in sorted(one.name for one in files(HOUSE).iterdir() if one.joinpath("sql").is_dir()):
        for name, texts in texts_of(f"{HOUSE}.{room}").items():
            yield f"{room}.{name}", texts


@register(TAG)
def statements_fit_the_models(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Report each statement that names a column that isn't there, leaves one out, or gives it another type."""
    tables = {model._meta.db_table: _columns(model) for model in apps.get_models()}  # noqa: SLF001 - documented
    faults: list[CheckMessage] = [
        Error(fault, obj=read.statement.name, id="backflush.E002") for read in READS for fault in read.faults()
    ]
    for name, texts in all_texts():
        for vendor, sql in texts.items():
            faults += (Error(fault, obj=f"{name} ({vendor})", id="backflush.E001") for fault in faults_of(sql, tables))
    return faults


def _columns(model: type[Model]) -> dict[str, str]:
    """Return the columns of a model's table with their types in PostgreSQL."""
    return {str(field.column): _type(field) for field in model._meta.concrete_fields}  # noqa: SLF001 - documented


def _type(field: "Field[Any, Any]") -> str:
    target = field.target_field if isinstance(field, ForeignKey) else field
    return _TYPES.get(target.get_internal_type(), target.get_internal_type())


def faults_of(sql: SqlText, tables: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield what is wrong with one statement, for tables with their columns and types."""
    text = " ".join(_STRING.sub("''", sql.text).split())
    named = {alias or table: table for table, alias in _TABLE.findall(text)}
    for alias, column in dict.fromkeys(_COLUMN.findall(text)):
        if alias in named and named[alias] in tables and column not in tables[named[alias]]:
            yield f"{named[alias]} has no column {column}."
    for table, listed in _INSERT.findall(text):
        if table not in tables:  # a temporary one
            continue
        columns = listed.strip().split(", ")
        left_out = {one for found in _LEFT_OUT.findall(sql.description) for one in found.split(", ")} | {"id"}
        if gone := [column for column in columns if column not in tables[table]]:
            yield f"{table} has no column {', '.join(gone)}."
        if missing := [column for column in tables[table] if column not in {*columns, *left_out}]:
            yield f"It leaves out the column {', '.join(missing)} of {table}."
        for column, kind in sql.arrays.items():
            if tables[table].get(column, kind) != kind:
                yield f"{table}.{column} is {tables[table][column]}, not {kind}."

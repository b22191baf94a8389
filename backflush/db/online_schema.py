"""Migration operations that change a stock table without blocking users who book.

On PostgreSQL a plain index or constraint locks its table until it is built, which takes minutes on a ledger of years.
These operations build concurrently instead, so their migration needs `atomic = False`. On SQLite, where everyone waits
for a writer anyway, they are Django's own, each in one transaction. Every change of an index, unique constraint or
check of a stock table must use them; a test reads the migrations to verify that.
"""

from typing import Any

from django.db import transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    RemoveConstraint,
    RemoveIndex,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Model, UniqueConstraint


class AddFieldOnline(AddField):
    """Add a column to a table that every booking reads, without locking any other table at the same time."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add it in a transaction of its own, unless an interrupted upgrade has added it already."""
        connection = schema_editor.connection
        if _online(self, app_label, schema_editor) and not schema_editor.collect_sql:
            table = to_state.apps.get_model(app_label, self.model_name)._meta
            with connection.cursor() as cursor:
                there = connection.introspection.get_table_description(cursor, table.db_table)
            if table.get_field(self.name).column in {column.name for column in there}:
                return
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        with transaction.atomic(connection.alias):
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddIndexOnline(AddIndex):
    """Add an index without blocking writes."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it concurrently on PostgreSQL, in one transaction elsewhere."""
        if not _online(self, app_label, schema_editor):
            with transaction.atomic(schema_editor.connection.alias):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        _forget_half_built(schema_editor, self.index.name)
        schema_editor.add_index(model, self.index, concurrently=True)  # type: ignore[call-arg]


class AddConstraintOnline(AddConstraint):
    """Add a unique constraint or a check without blocking writes."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build or validate it concurrently on PostgreSQL, in one transaction elsewhere."""
        if not _online(self, app_label, schema_editor):
            with transaction.atomic(schema_editor.connection.alias):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if isinstance(self.constraint, UniqueConstraint):
            _unique(schema_editor, model, self.constraint)
        else:
            assert isinstance(self.constraint, CheckConstraint), "another kind has no way around its lock yet"
            _check(schema_editor, model, self.constraint)


class RemoveIndexOnline(RemoveIndex):
    """Drop an index without queueing for an exclusive lock in front of other users."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it concurrently on PostgreSQL, in one transaction elsewhere."""
        if _online(self, app_label, schema_editor):
            _drop_index(schema_editor, self.name)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it again concurrently."""
        if not _online(self, app_label, schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        index = to_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
        _drop_index(schema_editor, self.name)
        schema_editor.add_index(to_state.apps.get_model(app_label, self.model_name), index, concurrently=True)  # type: ignore[call-arg]


class RemoveUniqueOnline(RemoveConstraint):
    """Drop a conditional unique constraint, which is only an index, once another one replaces it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it concurrently on PostgreSQL, in one transaction elsewhere."""
        rule = from_state.models[app_label, self.model_name_lower].get_constraint_by_name(self.name)
        assert isinstance(rule, UniqueConstraint), "another kind is no index"
        assert rule.condition, "one without a condition is a constraint that leans on its index"
        if _online(self, app_label, schema_editor):
            _drop_index(schema_editor, self.name)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it again concurrently."""
        if not _online(self, app_label, schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        rule = to_state.models[app_label, self.model_name_lower].get_constraint_by_name(self.name)
        _unique(schema_editor, to_state.apps.get_model(app_label, self.model_name), rule)


class WithoutOwnIndex(Operation):
    """Drop the single-column indexes of foreign keys by which nothing is searched; columns and references stay.

    Django's own operation rewrites the whole table on SQLite, and on PostgreSQL drops each reference and validates it
    again.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, names: list[str]) -> None:
        self.model_name = model_name
        self.names = names

    def describe(self) -> str:
        """Describe the operation in the output of `migrate`."""
        return f"Take the indexes of their own off {', '.join(self.names)} of {self.model_name}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change the fields in the state. Models that refer to this one see no difference, so they aren't reloaded."""
        fields = state.models[app_label, self.model_name.lower()].fields
        for name in self.names:
            field = fields[name]
            _, _, args, kwargs = field.deconstruct()
            fields[name] = type(field)(*args, **{**kwargs, "db_index": False})
        state.reload_model(app_label, self.model_name.lower(), delay=True)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the indexes, concurrently on PostgreSQL."""
        online = _online(self, app_label, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        for name in self.names:
            index = _own_index_name(schema_editor, model, name)
            if online:
                _drop_index(schema_editor, index)
            else:
                schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(index)}", None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build them again."""
        online = "CONCURRENTLY " if _online(self, app_label, schema_editor) else ""
        model = to_state.apps.get_model(app_label, self.model_name)
        for name in self.names:
            index = _own_index_name(schema_editor, model, name)
            if online:
                _drop_index(schema_editor, index)
            column = schema_editor.quote_name(_column(model, name))
            schema_editor.execute(
                _say(schema_editor, f"CREATE INDEX {online}{{name}} ON {{table}} ({column})", model, index), None
            )


class LoosenUnique(AlterField):
    """Drop the unique constraint of one column once another one replaces it; the foreign key stays.

    Django's own operation would drop the foreign key and read the whole table to restore it.
    """

    atomic = True

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop only the constraint on PostgreSQL; Django's own operation reverses it."""
        model = from_state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.name)
        if schema_editor.connection.vendor != "postgresql" or not field.unique:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        names = schema_editor._constraint_names(model, [field.column], unique=True, primary_key=False)  # type: ignore[attr-defined]
        for name in names:
            schema_editor.execute(_say(schema_editor, "ALTER TABLE {table} DROP CONSTRAINT {name}", model, name), None)


def _online(operation: Any, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> bool:
    """Return whether to build concurrently: on PostgreSQL, if this database takes the migration at all."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return False
    assert schema_editor.collect_sql or not connection.in_atomic_block, (
        f"a migration of {app_label} with {operation!r} says atomic = False"
    )
    return True


def _forget_half_built(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    # An interrupted attempt leaves an invalid index behind, which is never used but still updated by every write.
    _drop_index(schema_editor, name)


def _drop_index(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(name)}", None)


def _own_index_name(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> str:
    """Return Django's name of a foreign key's index, which follows from table and column."""
    return str(schema_editor._create_index_name(model._meta.db_table, [_column(model, name)]))  # type: ignore[attr-defined]


def _unique(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], rule: UniqueConstraint) -> None:
    _forget_half_built(schema_editor, rule.name)
    columns = ", ".join(schema_editor.quote_name(_column(model, name)) for name in rule.fields)
    build = f"CREATE UNIQUE INDEX CONCURRENTLY {{name}} ON {{table}} ({columns})"
    condition = rule._get_condition_sql(model, schema_editor)  # type: ignore[attr-defined]
    schema_editor.execute(
        _say(schema_editor, build + (f" WHERE {condition}" if condition else ""), model, rule.name), None
    )
    if not condition:
        # Django stores an unconditional one as a constraint; attaching an existing index takes only a moment.
        take = "ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"
        schema_editor.execute(_say(schema_editor, take, model, rule.name), None)


def _check(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], rule: CheckConstraint) -> None:
    condition = rule._get_check_sql(model, schema_editor)  # type: ignore[attr-defined]
    add = f"ALTER TABLE {{table}} ADD CONSTRAINT {{name}} CHECK ({condition}) NOT VALID"
    for say in (
        "ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
        add,
        "ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
    ):
        schema_editor.execute(_say(schema_editor, say, model, rule.name), None)


def _column(model: type[Model], name: str) -> str:
    return str(model._meta.get_field(name).column)  # type: ignore[union-attr]


def _say(schema_editor: BaseDatabaseSchemaEditor, say: str, model: type[Model], name: str) -> str:
    table = schema_editor.quote_name(model._meta.db_table)
    return say.replace("{table}", table).replace("{name}", schema_editor.quote_name(name))

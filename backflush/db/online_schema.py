"""How a migration changes a stock table without holding up the people who book.

On PostgreSQL a plain index or constraint locks its table until it is built, which takes minutes on a ledger of years.
These operations build beside the running system instead, so the migration that has them says `atomic = False`.
On SQLite, where everybody waits for a writer anyway, they are Django's own, each in one transaction.
Every change of an index, unique rule or check of a stock table comes through here; a test reads the migrations to see
it.
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
    """Add a column to a table that every booking reads, holding no other table meanwhile."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add it in a transaction of its own; nothing where an attempt that was interrupted came as far as this."""
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
    """Add an index while people write."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it beside the running system on PostgreSQL, in one go elsewhere."""
        if not _online(self, app_label, schema_editor):
            with transaction.atomic(schema_editor.connection.alias):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        _forget_half_built(schema_editor, self.index.name)
        schema_editor.add_index(model, self.index, concurrently=True)  # type: ignore[call-arg]


class AddConstraintOnline(AddConstraint):
    """Add a unique rule or a check while people write."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build or check it beside the running system on PostgreSQL, in one go elsewhere."""
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
    """Drop an index without waiting, at the head of everybody, for those who read."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it beside the running system on PostgreSQL, in one go elsewhere."""
        if _online(self, app_label, schema_editor):
            _drop_index(schema_editor, self.name)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it again beside the running system."""
        if not _online(self, app_label, schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        index = to_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
        _drop_index(schema_editor, self.name)
        schema_editor.add_index(to_state.apps.get_model(app_label, self.model_name), index, concurrently=True)  # type: ignore[call-arg]


class RemoveUniqueOnline(RemoveConstraint):
    """Take away a unique rule that has a condition, once another one stands in its place: it is an index only."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it beside the running system on PostgreSQL, in one go elsewhere."""
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
        """Build it again beside the running system."""
        if not _online(self, app_label, schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        rule = to_state.models[app_label, self.model_name_lower].get_constraint_by_name(self.name)
        _unique(schema_editor, to_state.apps.get_model(app_label, self.model_name), rule)


class WithoutOwnIndex(Operation):
    """Take its own index off foreign keys by which alone nobody looks; columns and references stay untouched.

    Django's own way writes the whole table anew on SQLite; on PostgreSQL it drops each reference and checks it again.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, names: list[str]) -> None:
        self.model_name = model_name
        self.names = names

    def describe(self) -> str:
        """For whoever applies it."""
        return f"Take the indexes of their own off {', '.join(self.names)} of {self.model_name}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The fields say that they have none; whoever refers to the model sees no difference, so is left as it is."""
        fields = state.models[app_label, self.model_name.lower()].fields
        for name in self.names:
            field = fields[name]
            _, _, args, kwargs = field.deconstruct()
            fields[name] = type(field)(*args, **{**kwargs, "db_index": False})
        state.reload_model(app_label, self.model_name.lower(), delay=True)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop them, beside the running system on PostgreSQL."""
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
    """Take the unique rule off one column, once another rule has taken its place; the foreign key stays untouched.

    Django's own would drop the foreign key and read the whole table to put it back.
    """

    atomic = True

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the constraint alone on PostgreSQL; going back is Django's own way."""
        model = from_state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.name)
        if schema_editor.connection.vendor != "postgresql" or not field.unique:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        names = schema_editor._constraint_names(model, [field.column], unique=True, primary_key=False)  # type: ignore[attr-defined]
        for name in names:
            schema_editor.execute(_say(schema_editor, "ALTER TABLE {table} DROP CONSTRAINT {name}", model, name), None)


def _online(operation: Any, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> bool:
    """Whether to build beside the running system: on PostgreSQL, if this database takes the migration at all."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return False
    assert schema_editor.collect_sql or not connection.in_atomic_block, (
        f"a migration of {app_label} with {operation!r} says atomic = False"
    )
    return True


def _forget_half_built(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    # An attempt that was interrupted leaves an index behind that nobody uses and everybody keeps up.
    _drop_index(schema_editor, name)


def _drop_index(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(name)}", None)


def _own_index_name(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> str:
    """What Django calls the index of a foreign key; it follows from table and column."""
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
        # Django keeps a rule without a condition as a constraint; taking over a built index is a matter of a moment.
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

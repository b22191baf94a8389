"""How a migration changes a stock table without holding up the people who book.

On PostgreSQL a plain index or constraint locks its table until it is built, which takes minutes on a ledger of years.
These operations build beside the running system instead, so the migration that has them says `atomic = False`.
On SQLite, where everybody waits for a writer anyway, they are Django's own, each in one transaction.
Every new index, unique rule or check on a stock table comes through here; a test reads the migrations to see it.
"""

from typing import Any

from django.db import transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex, AlterField
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Model, UniqueConstraint


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
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(name)}", None)


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

from typing import Any

from django.db import migrations


def say(apps: Any, schema_editor: Any) -> None:
    """PostgreSQL takes columns for independent: that unresolved and short go together it must be told.

    Otherwise it expects 882 rows where 132,300 wait, and sorts all of them for one page. It holds up nobody.
    """
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE STATISTICS IF NOT EXISTS ledger_movement_waiting (mcv) ON status, reason FROM ledger_movement"
        )


def unsay(apps: Any, schema_editor: Any) -> None:
    """Forget it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS IF EXISTS ledger_movement_waiting")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_only_indexes_that_are_read")]

    operations = [migrations.RunPython(say, unsay)]

"""Add the process *count*, and to each balance the time of its latest count."""

from django.db import migrations, models

from backflush.db.online_schema import AddFieldOnline

PROCESSES = (
    "opening",
    "works order",
    "goods received",
    "production",
    "issue",
    "return",
    "hand movement",
    "resolution",
    "count",
    "reversal",
)


class Migration(migrations.Migration):
    # Added beside the running system.
    atomic = False

    dependencies = [("ledger", "0013_recognise_spaced_keys")]

    operations = [
        AddFieldOnline("balance", "counted_at", models.DateTimeField(null=True)),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "posting",
                    "process",
                    models.CharField(max_length=20, choices=[(process, process) for process in PROCESSES]),
                )
            ]
        ),
    ]

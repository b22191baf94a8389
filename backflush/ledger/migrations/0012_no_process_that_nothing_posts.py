"""Take the process *count* out of the choices: no service posts counts. Nothing changes in the database."""

from django.db import migrations, models

PROCESSES = (
    "opening",
    "works order",
    "goods received",
    "production",
    "issue",
    "return",
    "hand movement",
    "resolution",
    "reversal",
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0011_call_a_job_a_cost_object")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "posting",
                    "process",
                    models.CharField(max_length=20, choices=[(process, process) for process in PROCESSES]),
                )
            ]
        )
    ]

"""Call what material is charged to by the trade's words in the code. Tables and columns keep their names, so nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backflushing", "0004_only_indexes_that_are_read"), ("ledger", "0011_call_a_job_a_cost_object")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("booking", "job", "cost_object"),
                migrations.AlterField(
                    model_name="booking",
                    name="cost_object",
                    field=models.ForeignKey(
                        db_column="job_id",
                        null=True,
                        related_name="bookings",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="ledger.costobject",
                    ),
                ),
            ]
        )
    ]

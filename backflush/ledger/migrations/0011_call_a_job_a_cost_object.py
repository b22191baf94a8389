"""Call what material is charged to by the trade's words in the code. Tables and columns keep their names, so nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0010_index_what_is_due_of_an_item"),
        ("works", "0005_index_orders_by_start"),
        ("subcontract", "0002_unique_within_the_site"),
        ("backflushing", "0004_only_indexes_that_are_read"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Job", "CostObject"),
                migrations.AlterModelTable("costobject", "ledger_job"),
                migrations.RenameField("costobject", "uneven", "needs_replay"),
                migrations.AlterField(
                    "costobject", "needs_replay", models.BooleanField(db_column="uneven", default=False)
                ),
                migrations.RenameField("posting", "job", "cost_object"),
                migrations.AlterField(
                    model_name="posting",
                    name="cost_object",
                    field=models.ForeignKey(
                        db_column="job_id",
                        null=True,
                        related_name="postings",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="ledger.costobject",
                    ),
                ),
                migrations.RenameField("movement", "job", "cost_object"),
                migrations.AlterField(
                    model_name="movement",
                    name="cost_object",
                    field=models.ForeignKey(
                        db_column="job_id",
                        null=True,
                        related_name="movements",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="ledger.costobject",
                    ),
                ),
                migrations.RenameField("periodclosing", "pots", "stock_keys"),
                migrations.AlterField("periodclosing", "stock_keys", models.IntegerField(db_column="pots", default=0)),
            ]
        )
    ]

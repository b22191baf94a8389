"""Call what material is charged to by the trade's words in the code. Tables and columns keep their names, so nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subcontract", "0002_unique_within_the_site"), ("ledger", "0011_call_a_job_a_cost_object")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("purchaseorderline", "one_purchase_line_each_job"),
                migrations.RenameField("purchaseorderline", "job", "cost_object"),
                migrations.AlterField(
                    model_name="purchaseorderline",
                    name="cost_object",
                    field=models.ForeignKey(
                        db_column="job_id",
                        db_index=False,
                        related_name="purchase_lines",
                        related_query_name="purchase_line",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="ledger.costobject",
                    ),
                ),
                migrations.AddConstraint(
                    "purchaseorderline",
                    models.UniqueConstraint(fields=("cost_object", "site"), name="one_purchase_line_each_job"),
                ),
            ]
        )
    ]

"""Call what material is charged to by the trade's words in the code. Tables and columns keep their names, so nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("works", "0005_index_orders_by_start"), ("ledger", "0011_call_a_job_a_cost_object")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("worksorder", "one_works_order_each_job"),
                migrations.RenameField("worksorder", "job", "cost_object"),
                migrations.AlterField(
                    model_name="worksorder",
                    name="cost_object",
                    field=models.ForeignKey(
                        db_column="job_id",
                        db_index=False,
                        related_name="works_orders",
                        related_query_name="works_order",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="ledger.costobject",
                    ),
                ),
                migrations.AddConstraint(
                    "worksorder",
                    models.UniqueConstraint(fields=("cost_object", "site"), name="one_works_order_each_job"),
                ),
            ]
        )
    ]

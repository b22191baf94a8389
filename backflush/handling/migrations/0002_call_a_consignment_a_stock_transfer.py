"""Call stock that goes from site to site by the trade's words in the code. Tables and columns keep their names, so nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("handling", "0001_add_consignments")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Consignment", "StockTransfer"),
                migrations.AlterModelTable("stocktransfer", "handling_consignment"),
                migrations.AlterField(
                    "stocktransfer",
                    "posting",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        related_query_name="transfer",
                        to="ledger.posting",
                    ),
                ),
            ]
        )
    ]

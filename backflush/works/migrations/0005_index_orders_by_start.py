from django.db import migrations, models

from backflush.db.online_schema import AddIndexOnline


class Migration(migrations.Migration):
    # Built beside the running system.
    atomic = False

    dependencies = [("works", "0004_only_indexes_that_are_read")]

    operations = [
        AddIndexOnline(
            model_name="worksorder",
            index=models.Index(fields=["site", "status", "start_date", "id"], name="works_order_by_start"),
        ),
    ]

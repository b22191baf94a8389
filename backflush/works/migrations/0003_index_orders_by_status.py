from django.db import migrations, models

from backflush.db.online_schema import AddIndexOnline


class Migration(migrations.Migration):
    # Built beside the running system.
    atomic = False

    dependencies = [
        ("works", "0002_unique_within_the_site"),
    ]

    operations = [
        AddIndexOnline(
            model_name="worksorder",
            index=models.Index(fields=["site", "status", "number"], name="works_order_by_status"),
        ),
    ]

from django.db import migrations

from backflush.db.online_schema import WithoutOwnIndex


class Migration(migrations.Migration):
    # Dropped beside the running system.
    atomic = False

    dependencies = [("works", "0003_index_orders_by_status")]

    operations = [
        WithoutOwnIndex("worksorder", ["site"]),
        WithoutOwnIndex("orderchange", ["site", "by"]),
    ]

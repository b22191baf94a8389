from django.db import migrations

from backflush.db.online_schema import WithoutOwnIndex


class Migration(migrations.Migration):
    # Dropped beside the running system.
    atomic = False

    dependencies = [("backflushing", "0003_unique_within_the_site")]

    operations = [WithoutOwnIndex("booking", ["site", "item", "structure", "rule"])]

from django.db import migrations, models

from backflush.db.online_schema import AddIndexOnline, WithoutOwnIndex


class Migration(migrations.Migration):
    # Built and dropped beside the running system.
    atomic = False

    dependencies = [("unresolved", "0001_initial")]

    operations = [
        AddIndexOnline(
            model_name="settlement",
            index=models.Index(fields=["kept"], condition=models.Q(("kept__isnull", False)), name="settlement_keeping"),
        ),
        AddIndexOnline(
            model_name="settlement",
            index=models.Index(
                fields=["undone_by"], condition=models.Q(("undone_by__isnull", False)), name="settlement_undone"
            ),
        ),
        WithoutOwnIndex("settlement", ["site", "kept", "undone_by"]),
    ]

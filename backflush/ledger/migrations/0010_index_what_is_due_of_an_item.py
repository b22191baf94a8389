from django.db import migrations, models

import backflush.core.moves
from backflush.db.online_schema import AddIndexOnline


class Migration(migrations.Migration):
    # Built beside the running system.
    atomic = False

    dependencies = [
        ("ledger", "0009_say_how_status_and_reason_go_together"),
    ]

    operations = [
        AddIndexOnline(
            model_name="movement",
            index=models.Index(
                fields=["item", "site", "status", "at", "id"],
                condition=models.Q(("status", backflush.core.moves.Status["OK"]), _negated=True),
                name="due_of_item",
            ),
        ),
    ]

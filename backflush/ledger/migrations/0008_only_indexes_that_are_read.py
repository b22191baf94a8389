"""Only indexes that somebody reads: each of them is written by every booking.

What takes the place of another is built first, so no question is without its index for a moment.
"""

from django.db import migrations, models

from backflush.db.online_schema import (
    AddConstraintOnline,
    AddIndexOnline,
    RemoveIndexOnline,
    RemoveUniqueOnline,
    WithoutOwnIndex,
)


class Migration(migrations.Migration):
    # Built and dropped beside the running system.
    atomic = False

    dependencies = [("ledger", "0007_keep_archives")]

    operations = [
        AddIndexOnline(
            model_name="movement",
            index=models.Index(fields=["item", "site", "at", "id"], name="movement_of_item"),
        ),
        AddIndexOnline(
            model_name="movement",
            index=models.Index(
                fields=["resolves"], condition=models.Q(("resolves__isnull", False)), name="movement_resolving"
            ),
        ),
        AddIndexOnline(
            model_name="movement",
            index=models.Index(
                fields=["origin"], condition=models.Q(("origin__isnull", False)), name="movement_of_origin"
            ),
        ),
        AddConstraintOnline(
            model_name="movement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reverses__isnull", False)), fields=("reverses", "site"), name="mirrored_only_once"
            ),
        ),
        AddConstraintOnline(
            model_name="posting",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reverses__isnull", False)), fields=("reverses", "site"), name="reversed_only_once"
            ),
        ),
        RemoveIndexOnline(model_name="movement", name="movement_by_item"),
        RemoveUniqueOnline(model_name="movement", name="one_mirror_each"),
        RemoveUniqueOnline(model_name="posting", name="reversed_once"),
        WithoutOwnIndex("movement", ["site", "item", "line", "cost", "resolves", "reverses", "origin"]),
        WithoutOwnIndex("posting", ["site", "reverses"]),
        WithoutOwnIndex("job", ["site", "structure"]),
        WithoutOwnIndex("key", ["site"]),
        WithoutOwnIndex("balance", ["site", "item"]),
    ]

from django.db import migrations, models

from backflush.db.codes import AnyCase
from backflush.db.online_schema import AddIndexOnline


class Migration(migrations.Migration):
    # Built beside the running system.
    atomic = False

    dependencies = [("items", "0002_things_may_be_ended")]

    operations = [
        AddIndexOnline(
            model_name="item",
            index=models.Index(AnyCase("code"), name="item_by_code_any_case"),
        ),
        AddIndexOnline(
            model_name="item",
            index=models.Index(AnyCase("description"), name="item_by_description"),
        ),
    ]

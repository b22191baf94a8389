from django.db import migrations, models

from backflush.db.codes import AnyCase
from backflush.db.online_schema import AddIndexOnline


class Migration(migrations.Migration):
    # Built beside the running system.
    atomic = False

    dependencies = [("works", "0006_call_a_job_a_cost_object")]

    operations = [
        AddIndexOnline(
            model_name="worksorder",
            index=models.Index("site", AnyCase("number"), name="works_order_any_case"),
        ),
    ]

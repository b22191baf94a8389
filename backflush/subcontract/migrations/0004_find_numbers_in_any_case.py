from django.db import migrations, models

from backflush.db.codes import AnyCase
from backflush.db.online_schema import AddIndexOnline


class Migration(migrations.Migration):
    # Built beside the running system.
    atomic = False

    dependencies = [("subcontract", "0003_call_a_job_a_cost_object")]

    operations = [
        AddIndexOnline(
            model_name="purchaseorder",
            index=models.Index("site", AnyCase("number"), name="purchase_order_any_case"),
        ),
    ]

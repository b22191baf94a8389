"""Add to each booking the values that its kind of booking keeps."""

from django.db import migrations, models

from backflush.db.online_schema import AddFieldOnline


class Migration(migrations.Migration):
    # Added beside the running system.
    atomic = False

    dependencies = [("backflushing", "0005_call_a_job_a_cost_object")]

    operations = [AddFieldOnline("booking", "details", models.JSONField(null=True))]

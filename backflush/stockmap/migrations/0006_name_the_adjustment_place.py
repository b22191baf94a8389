import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("stockmap", "0005_a_site_knows_its_spaced_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="adjustment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="stockmap.location",
            ),
        ),
    ]

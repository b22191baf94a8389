from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("stockmap", "0004_a_site_says_what_is_archived"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="spaced_keys_through",
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
    ]

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import backflush.db.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("items", "0003_find_codes_in_any_case"),
        ("ledger", "0014_count_stock"),
        ("stockmap", "0006_name_the_adjustment_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StockCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bin", models.CharField(blank=True, max_length=40)),
                ("batch", models.CharField(blank=True, max_length=60)),
                ("serial", models.CharField(blank=True, max_length=60)),
                ("at", models.DateTimeField()),
                (
                    "method",
                    models.CharField(
                        choices=[("seen", "Seen"), ("weighed", "Weighed"), ("machine", "Machine")],
                        default="seen",
                        max_length=10,
                    ),
                ),
                ("blind", models.BooleanField(default=False)),
                ("status", models.CharField(choices=[("posted", "Posted"), ("short", "Short")], max_length=10)),
                ("quantity", backflush.db.fields.QuantityField()),
                ("expected", backflush.db.fields.QuantityField()),
                ("waiting", backflush.db.fields.QuantityField()),
                ("difference", backflush.db.fields.QuantityField()),
                (
                    "counted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="items.item"
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="stockmap.location",
                    ),
                ),
                (
                    "posting",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="counts",
                        to="ledger.posting",
                    ),
                ),
                (
                    "reversed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_counts",
                        to="ledger.posting",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="stockmap.site",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CountChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("change", backflush.db.fields.QuantityField()),
                (
                    "because",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.posting",
                    ),
                ),
                (
                    "posting",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="count_changes",
                        to="ledger.posting",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="stockmap.site",
                    ),
                ),
                (
                    "count",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="counts.stockcount",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="stockcount",
            index=models.Index(fields=["item", "location", "site", "at"], name="count_of_item"),
        ),
        migrations.AddIndex(
            model_name="stockcount",
            index=models.Index(fields=["site", "at", "id"], name="count_by_time"),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.UniqueConstraint(fields=("posting", "site"), name="counted_once_by_posting"),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gte", 0)), name="counted_not_negative"),
        ),
        migrations.AddIndex(
            model_name="countchange",
            index=models.Index(fields=["count", "site"], name="change_of_count"),
        ),
        migrations.AddConstraint(
            model_name="countchange",
            constraint=models.UniqueConstraint(fields=("posting", "site"), name="count_change_once"),
        ),
    ]

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
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("posted", "Posted"),
                            ("short", "Short"),
                            ("recount", "Recount"),
                            ("approval", "Approval"),
                            ("replaced", "Replaced"),
                            ("rejected", "Rejected"),
                        ],
                        max_length=10,
                    ),
                ),
                ("quantity", backflush.db.fields.QuantityField()),
                ("expected", backflush.db.fields.QuantityField()),
                ("waiting", backflush.db.fields.QuantityField()),
                ("difference", backflush.db.fields.QuantityField()),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
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
                    "recount_of",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recounts",
                        to="counts.stockcount",
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
            name="CountDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "decision",
                    models.CharField(choices=[("approved", "Approved"), ("rejected", "Rejected")], max_length=10),
                ),
                ("at", models.DateTimeField()),
                ("remarks", models.CharField(blank=True, max_length=500)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
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
                        related_name="decisions",
                        to="counts.stockcount",
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
        migrations.CreateModel(
            name="CountTolerance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("abc_class", models.CharField(blank=True, max_length=1)),
                ("quantity_up", backflush.db.fields.QuantityField(null=True)),
                ("quantity_down", backflush.db.fields.QuantityField(null=True)),
                ("percent_up", backflush.db.fields.QuantityField(null=True)),
                ("percent_down", backflush.db.fields.QuantityField(null=True)),
                ("value_up", backflush.db.fields.QuantityField(null=True)),
                ("value_down", backflush.db.fields.QuantityField(null=True)),
                ("approval_value", backflush.db.fields.QuantityField(null=True)),
                ("post_within", models.BooleanField(default=True)),
                ("recount_beyond", models.BooleanField(default=True)),
                ("blind", models.BooleanField(default=False)),
                (
                    "item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="items.item",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="stockmap.location",
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
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("location__isnull", False)),
                        fields=("site", "item", "location"),
                        name="tolerance_once_at_place",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("item__isnull", False), ("location__isnull", True)),
                        fields=("site", "item"),
                        name="tolerance_once_of_item",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("item__isnull", True)),
                        fields=("site", "abc_class"),
                        name="tolerance_once_of_class",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("item__isnull", False), ("location__isnull", True), _connector="OR"),
                        name="tolerance_place_with_item",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("item__isnull", True), ("abc_class", ""), _connector="OR"),
                        name="tolerance_item_or_class",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="stockcount",
            index=models.Index(fields=["item", "location", "site", "at"], name="count_of_item"),
        ),
        migrations.AddIndex(
            model_name="stockcount",
            index=models.Index(fields=["site", "at", "id"], name="count_by_time"),
        ),
        migrations.AddIndex(
            model_name="stockcount",
            index=models.Index(
                condition=models.Q(("status__in", ["short", "recount", "approval"])),
                fields=["site", "status", "at", "id"],
                name="count_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.UniqueConstraint(fields=("posting", "site"), name="counted_once_by_posting"),
        ),
        migrations.AddConstraint(
            model_name="stockcount",
            constraint=models.CheckConstraint(condition=models.Q(("quantity__gte", 0)), name="counted_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="countdecision",
            constraint=models.UniqueConstraint(fields=("count", "site"), name="count_decided_once"),
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

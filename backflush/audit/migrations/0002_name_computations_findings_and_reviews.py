"""Call what an audit keeps by the trade's words in the code. Tables and columns keep their names, so nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_keep_audits")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Reckoning", "AuditComputation"),
                migrations.AlterModelTable("auditcomputation", "audit_reckoning"),
                migrations.RenameField("auditcomputation", "promises", "invariants"),
                migrations.AlterField(
                    "auditcomputation", "invariants", models.JSONField(db_column="promises", default=list)
                ),
                migrations.AlterField(
                    model_name="auditcomputation",
                    name="audit",
                    field=models.ForeignKey(
                        related_name="computations", on_delete=django.db.models.deletion.PROTECT, to="audit.audit"
                    ),
                ),
                migrations.RenameModel("Finding", "CheckFinding"),
                migrations.AlterModelTable("checkfinding", "audit_finding"),
                migrations.RenameModel("Look", "CheckReview"),
                migrations.AlterModelTable("checkreview", "audit_look"),
                migrations.RemoveConstraint("checkfinding", "finding_once"),
                migrations.RenameField("checkfinding", "reckoning", "computation"),
                migrations.AlterField(
                    model_name="checkfinding",
                    name="computation",
                    field=models.ForeignKey(
                        db_column="reckoning_id",
                        db_index=False,
                        related_name="findings",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="audit.auditcomputation",
                    ),
                ),
                migrations.AddConstraint(
                    "checkfinding",
                    models.UniqueConstraint(
                        fields=("site", "computation", "check_name", "position"), name="finding_once"
                    ),
                ),
                migrations.RenameField("checkreview", "reckoning", "computation"),
                migrations.AlterField(
                    model_name="checkreview",
                    name="computation",
                    field=models.ForeignKey(
                        db_column="reckoning_id",
                        null=True,
                        related_name="+",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="audit.auditcomputation",
                    ),
                ),
            ]
        )
    ]

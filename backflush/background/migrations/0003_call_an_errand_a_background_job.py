"""Call background jobs by the trade's words in the code. Tables and columns keep their names, so nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("errands", "0002_let_a_retry_be_taken_back")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Errand", "BackgroundJob"),
                migrations.AlterModelTable("backgroundjob", "errands_errand"),
                migrations.RenameModel("ErrandPart", "BackgroundJobPart"),
                migrations.AlterModelTable("backgroundjobpart", "errands_errandpart"),
                migrations.RemoveConstraint("backgroundjobpart", "errand_part_once"),
                migrations.RenameField("backgroundjobpart", "errand", "background_job"),
                migrations.AlterField(
                    "backgroundjobpart",
                    "background_job",
                    models.ForeignKey(
                        db_column="errand_id",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="errands.backgroundjob",
                    ),
                ),
                migrations.AddConstraint(
                    "backgroundjobpart",
                    models.UniqueConstraint(fields=("background_job", "number"), name="errand_part_once"),
                ),
            ]
        )
    ]

"""Call what a booking made, good and scrap in the stock unit, by one name. The column keeps its name."""

from django.db import migrations

from backflush.db.fields import QuantityField


class Migration(migrations.Migration):
    dependencies = [("backflushing", "0006_details_of_bookings")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("booking", "quantity", "produced"),
                migrations.AlterField("booking", "produced", QuantityField(db_column="quantity")),
            ]
        )
    ]

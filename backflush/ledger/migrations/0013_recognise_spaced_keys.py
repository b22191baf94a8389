from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Max


def note_spaced_keys(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Note each site's last key: up to it, keys of lines of streams have a space before the number."""
    keys = apps.get_model("ledger", "Key").objects
    for site in apps.get_model("stockmap", "Site").objects.all():
        site.spaced_keys_through = keys.filter(site=site).aggregate(last=Max("id"))["last"]
        site.save(update_fields=["spaced_keys_through"])


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0012_no_process_that_nothing_posts"),
        ("stockmap", "0005_a_site_knows_its_spaced_keys"),
    ]

    operations = [migrations.RunPython(note_spaced_keys, migrations.RunPython.noop)]

"""Point background jobs and tasks that were queued before an upgrade at the modules to which their functions moved."""

from typing import Any

from django.db import migrations

MOVED = {
    "backflush.web.sending.make_export": "backflush.web.lists.export_jobs.make_export",
    "backflush.unresolved.services.in_background.retry_waiting": "backflush.unresolved.background_retry.retry_waiting",
    "backflush.unresolved.services.in_background.undo_retry": "backflush.unresolved.background_retry.undo_retry",
}


def follow(apps: Any, schema_editor: Any) -> None:
    for old, new in MOVED.items():
        apps.get_model("errands", "BackgroundJob").objects.filter(work=old).update(work=new)
        apps.get_model("django_tasks_database", "DBTaskResult").objects.filter(task_path=old).update(task_path=new)


class Migration(migrations.Migration):
    dependencies = [
        ("errands", "0003_call_an_errand_a_background_job"),
        ("django_tasks_database", "0021_conditional_partial_index_ordering"),
    ]

    operations = [migrations.RunPython(follow, migrations.RunPython.noop)]
